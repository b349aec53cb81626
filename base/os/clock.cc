#include "base/os/clock.h"

#include <cstdint>
#include <ctime>

#include "absl/time/time.h"

namespace gateway {
namespace {

// In nanoseconds, which absl makes times of in place, but calls functions for
// those of a timespec.
int64_t NanosOf(clockid_t clock) {
  constexpr int64_t kNanosInSecond = 1'000'000'000;
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * kNanosInSecond + now.tv_nsec;
}

class MachineClock : public Clock {
 public:
  absl::Duration SteadyTime() override {
    return absl::Nanoseconds(NanosOf(CLOCK_MONOTONIC));
  }

  absl::Time WallTime() override {
    return absl::FromUnixNanos(NanosOf(CLOCK_REALTIME));
  }
};

}  // namespace

Clock& SystemClock() {
  // Never destroyed, since threads may read it while the process exits.
  static Clock& clock = *new MachineClock;
  return clock;
}

}  // namespace gateway
