// FakeClock is a Clock whose time moves only when told.
//
//   FakeClock clock;
//   CircuitBreaker breaker(options, clock);
//   clock.Advance(absl::Seconds(10));
//
// Thread-safe.

#ifndef TESTS_TESTING_FAKE_CLOCK_H_
#define TESTS_TESTING_FAKE_CLOCK_H_

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"

namespace gateway {

class FakeClock : public Clock {
 public:
  // Wall time begins at an arbitrary fixed moment: 2026-01-02T03:04:05Z.
  FakeClock() : FakeClock(absl::FromUnixSeconds(1767323045)) {}
  explicit FakeClock(absl::Time wall_time) : wall_time_(wall_time) {}

  absl::Duration SteadyTime() override LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    return steady_time_;
  }

  absl::Time WallTime() override LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    return wall_time_;
  }

  // Lets this much time pass. REQUIRES: not negative.
  void Advance(absl::Duration duration) LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    steady_time_ += duration;
    wall_time_ += duration;
  }

  // Sets the time of day, as an operator would; steady time does not move.
  void StepWallTime(absl::Time wall_time) LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    wall_time_ = wall_time;
  }

 private:
  Mutex mu_;
  // Not zero, as a machine's clock never is.
  absl::Duration steady_time_ GUARDED_BY(mu_) = absl::Hours(1);
  absl::Time wall_time_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // TESTS_TESTING_FAKE_CLOCK_H_
