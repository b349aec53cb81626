#include "service/sessions/session_shares.h"

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
                           absl::Time expire_time, int64_t bytes) {
  const auto [found, is_new] = sessions_.try_emplace(ToAbsl(id));
  Session& session = found->second;
  Share& share = shares_[ToAbsl(owner)];
  share.bytes += bytes - session.bytes;
  bytes_ += bytes - session.bytes;
  session.bytes = bytes;
  if (is_new) {
    session.owner = std::string(owner);
    ++share.sessions;
  } else {
    expiries_.erase({session.expire_time, found->first});
  }
  session.expire_time = expire_time;
  expiries_.emplace(expire_time, found->first);
}

void SessionShares::Forget(std::string_view id) {
  const auto found = sessions_.find(ToAbsl(id));
  if (found == sessions_.end()) return;
  const Session& session = found->second;
  const auto share = shares_.find(session.owner);
  share->second.bytes -= session.bytes;
  bytes_ -= session.bytes;
  if (--share->second.sessions == 0) shares_.erase(share);
  expiries_.erase({session.expire_time, found->first});
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
