#include "service/sessions/session_shares.h"

#include <utility>

#include "base/string_view.h"

namespace gateway {

bool SessionShares::Admits(std::string_view owner, int64_t open, int64_t limit,
                           absl::Time now) {
  ForgetExpired(now);
  const int64_t share = limit / kShare;
  if (open < limit - share) return true;
  const auto count = counts_.find(ToAbsl(owner));
  return count == counts_.end() || count->second < share;
}

void SessionShares::Record(std::string_view id, std::string_view owner,
                         absl::Time expire_time) {
  const auto [session, is_new] = sessions_.try_emplace(ToAbsl(id));
  session->second.expire_time = expire_time;
  if (!is_new) return;
  session->second.owner = std::string(owner);
  ++counts_[session->second.owner];
  expiries_.emplace(expire_time, session->first);
}

void SessionShares::Forget(std::string_view id) {
  const auto session = sessions_.find(ToAbsl(id));
  if (session == sessions_.end()) return;
  CountLess(session->second.owner);
  sessions_.erase(session);
}

void SessionShares::ForgetExpired(absl::Time now) {
  while (!expiries_.empty() && expiries_.top().first <= now) {
    const std::string id = expiries_.top().second;
    expiries_.pop();
    const auto session = sessions_.find(id);
    if (session == sessions_.end()) continue;
    if (session->second.expire_time <= now) {
      Forget(id);
    } else {
      expiries_.emplace(session->second.expire_time, id);
    }
  }
}

void SessionShares::CountLess(const std::string& owner) {
  const auto count = counts_.find(owner);
  if (--count->second == 0) counts_.erase(count);
}

}  // namespace gateway
