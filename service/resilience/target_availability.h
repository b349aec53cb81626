// TargetAvailability says whether calls may go to a target at all. An operator
// disables it, or a row of its own failures does, until an operator enables it.
//
//   if (target.availability.disabled()) return ModelDisabled();  // One load.
//   ...
//   target.availability.Disable(TargetAvailability::By::kOperator,
//                               "by alice: too expensive");
//
// The failures are those that blame the target (errors/verdict.h), counted
// apart from the circuit breaker's, which begins anew with each of its states.
//
// Thread-safe.

#ifndef SERVICE_RESILIENCE_TARGET_AVAILABILITY_H_
#define SERVICE_RESILIENCE_TARGET_AVAILABILITY_H_

#include <atomic>
#include <string>

#include "base/os/mutex.h"

namespace gateway {

class TargetAvailability {
 public:
  enum class By { kNobody, kOperator, kFailures };

  // Who has disabled the target, and why, in words; nobody while it is enabled.
  struct Snapshot {
    By by = By::kNobody;
    std::string why;
  };

  bool disabled() const { return disabled_.load(std::memory_order_relaxed); }
  Snapshot Read() const LOCKS_EXCLUDED(mu_);

  // Returns whether that changed anything: what an operator has said, failures
  // do not change.
  bool Disable(By by, std::string why) LOCKS_EXCLUDED(mu_);
  // Returns whether it was disabled. Forgets the failures.
  bool Enable() LOCKS_EXCLUDED(mu_);
  // The same, unless an operator has disabled it.
  bool EnableAfterFailures() LOCKS_EXCLUDED(mu_);

  void RecordSuccess() {
    // Read first: a cache line that is not written is cheap to share.
    if (failures_.load(std::memory_order_relaxed) != 0) {
      failures_.store(0, std::memory_order_relaxed);
    }
  }
  // Returns how many failures there have been in a row, with this one.
  int RecordFailure() {
    return failures_.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  int failures_in_a_row() const {
    return failures_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> disabled_ = false;  // Written under the lock.
  std::atomic<int> failures_ = 0;

  mutable Mutex mu_;
  Snapshot snapshot_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_TARGET_AVAILABILITY_H_
