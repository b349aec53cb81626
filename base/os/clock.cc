#include "base/os/clock.h"

#include <ctime>

#include "absl/time/time.h"

namespace gateway {
namespace {

class MachineClock : public Clock {
 public:
  absl::Duration SteadyTime() override {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return absl::DurationFromTimespec(now);
  }

  absl::Time WallTime() override {
    timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return absl::TimeFromTimespec(now);
  }
};

}  // namespace

Clock& SystemClock() {
  // Never destroyed, since threads may read it while the process exits.
  static Clock& clock = *new MachineClock;
  return clock;
}

}  // namespace gateway
