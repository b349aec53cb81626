#include "service/sessions/session_shares.h"

#include <algorithm>
#include <utility>

#include "base/string_view.h"

namespace gateway {

bool SessionShares::Admits(std::string_view owner, int64_t open, int64_t limit,
                           absl::Time now) {
  ForgetExpired(now);
  const int64_t share = ShareOfAll(limit);
  return open < limit - share || ShareOf(owner).sessions < share;
}

bool SessionShares::HasRoom(std::string_view owner, int64_t bytes,
                            int64_t limit, absl::Time now) {
  ForgetExpired(now);
  const int64_t share = ShareOfAll(limit);
  if (bytes_ + bytes <= limit - share) return true;
  return bytes_ + bytes <= limit && ShareOf(owner).bytes + bytes <= share;
}

void SessionShares::Record(std::string_view id, std::string_view owner,
                           const SessionExtent& extent) {
  const auto [found, is_new] = sessions_.try_emplace(ToAbsl(id));
  Session& session = found->second;
  Share& share = shares_[ToAbsl(owner)];
  share.bytes += extent.bytes - session.extent.bytes;
  bytes_ += extent.bytes - session.extent.bytes;
  if (is_new) {
    session.owner = std::string(owner);
    ++share.sessions;
  } else {
    expiries_.erase({session.extent.expire_time, found->first});
  }
  session.extent = extent;
  expiries_.emplace(extent.expire_time, found->first);
}

std::optional<SessionExtent> SessionShares::Find(std::string_view id) const {
  const auto found = sessions_.find(ToAbsl(id));
  if (found == sessions_.end()) return std::nullopt;
  return found->second.extent;
}

bool SessionShares::Reserve(std::string_view id, std::string_view owner,
                            const SessionExtent& asked, int64_t limit,
                            absl::Time now) {
  const SessionExtent before =
      Find(id).value_or(SessionExtent{.expire_time = absl::InfinitePast()});
  const int64_t growth = asked.bytes - before.bytes;
  if (growth > 0 && !HasRoom(owner, growth, limit, now)) return false;
  Record(id, owner,
         {.expire_time = std::max(before.expire_time, asked.expire_time),
          .bytes = std::max(before.bytes, asked.bytes)});
  return true;
}

void SessionShares::Settle(std::string_view id,
                           const std::optional<SessionExtent>& extent) {
  const auto found = sessions_.find(ToAbsl(id));
  if (found == sessions_.end()) return;
  if (!extent.has_value()) return Forget(id);
  const std::string owner = found->second.owner;
  Record(id, owner, *extent);
}

void SessionShares::Forget(std::string_view id) {
  const auto found = sessions_.find(ToAbsl(id));
  if (found == sessions_.end()) return;
  const Session& session = found->second;
  const auto share = shares_.find(session.owner);
  share->second.bytes -= session.extent.bytes;
  bytes_ -= session.extent.bytes;
  if (--share->second.sessions == 0) shares_.erase(share);
  expiries_.erase({session.extent.expire_time, found->first});
  sessions_.erase(found);
}

void SessionShares::ForgetExpired(absl::Time now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const std::string id = expiries_.begin()->second;
    Forget(id);
  }
}

SessionShares::Share SessionShares::ShareOf(std::string_view owner) const {
  const auto share = shares_.find(ToAbsl(owner));
  return share == shares_.end() ? Share() : share->second;
}

}  // namespace gateway
