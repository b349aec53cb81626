#include "service/resilience/target_availability.h"

#include <utility>

namespace gateway {

TargetAvailability::Snapshot TargetAvailability::Read() const {
  MutexLock lock(mu_);
  return snapshot_;
}

bool TargetAvailability::Disable(By by, std::string why) {
  MutexLock lock(mu_);
  if (by == By::kFailures && snapshot_.by != By::kNobody) return false;
  if (snapshot_.by == by && snapshot_.why == why) return false;
  snapshot_ = {.by = by, .why = std::move(why)};
  disabled_.store(true, std::memory_order_relaxed);
  return true;
}

bool TargetAvailability::Enable() {
  failures_.store(0, std::memory_order_relaxed);
  MutexLock lock(mu_);
  snapshot_ = {};
  return disabled_.exchange(false, std::memory_order_relaxed);
}

bool TargetAvailability::EnableAfterFailures() {
  {
    MutexLock lock(mu_);
    if (snapshot_.by != By::kFailures) return false;
  }
  return Enable();
}

}  // namespace gateway
