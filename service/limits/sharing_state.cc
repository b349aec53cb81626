#include "service/limits/sharing_state.h"

#include <algorithm>

#include "base/os/logging.h"

namespace gateway {

void SharingState::SetAway(absl::Duration now, const absl::Status& why) {
  if (fails()) return;
  MutexLock lock(mu_);
  if (fails_.exchange(true, std::memory_order_relaxed)) return;
  uneasy_.store(true, std::memory_order_relaxed);
  away_.store(true, std::memory_order_relaxed);
  fails_since_ = now;
  ++times_away_;
  if (said_away_) return;
  said_away_ = true;
  said_away_since_ = now;
  patience_ = now - back_at_ < kFlapping ? std::min(2 * patience_, kPatienceMax)
                                         : kPatience;
  Log(LogLevel::kWarn, "redis",
      "limits that replicas share are counted by this one's share until redis "
      "answers",
      {{"why", why}});
}

bool SharingState::SetShared(absl::Duration now) {
  if (!uneasy_.load(std::memory_order_relaxed)) return false;
  MutexLock lock(mu_);
  if (fails()) {
    const absl::Duration away = now - fails_since_;
    const bool may_forget = away >= kMayForget;
    answers_since_ = now;
    const int64_t settled =
        absl::ToInt64Nanoseconds(now + std::min(away, kSettled));
    settled_at_.store(std::max(settled, settled_at()),
                      std::memory_order_relaxed);
    if (may_forget) {
      may_have_lost_until_.store(absl::ToInt64Nanoseconds(now),
                                 std::memory_order_relaxed);
    }
    fails_.store(false, std::memory_order_relaxed);
    return may_forget;
  }
  if (now - answers_since_ < kPatience) return false;
  away_.store(false, std::memory_order_relaxed);
  if (now - answers_since_ < patience_) return false;
  uneasy_.store(false, std::memory_order_relaxed);
  Log(LogLevel::kInfo, "redis", "limits are shared by all replicas again",
      {{"away_seconds", answers_since_ - said_away_since_},
       {"times_away", times_away_}});
  said_away_ = false;
  times_away_ = 0;
  back_at_ = now;
  return false;
}

}  // namespace gateway
