#include "service/limits/sharing_state.h"

#include "base/os/logging.h"

namespace gateway {

void SharingState::SetAway(absl::Duration now, const absl::Status& why) {
  MutexLock lock(mu_);
  if (!uneasy_.exchange(true, std::memory_order_relaxed)) fails_since_ = now;
  last_failure_ = now;
  if (away() || now - fails_since_ < kPatience) return;
  away_.store(true, std::memory_order_relaxed);
  Log(LogLevel::kWarn, "redis",
      "limits that replicas share are counted by this one's share until redis "
      "answers",
      {{"why", why}});
}

void SharingState::SetShared(absl::Duration now) {
  if (!uneasy_.load(std::memory_order_relaxed)) return;
  MutexLock lock(mu_);
  if (now - last_failure_ < kPatience) return;
  uneasy_.store(false, std::memory_order_relaxed);
  if (!away()) return;
  away_.store(false, std::memory_order_relaxed);
  Log(LogLevel::kInfo, "redis", "limits are shared by all replicas again",
      {{"away_seconds", now - fails_since_}});
}

}  // namespace gateway
