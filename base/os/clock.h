// Clock tells the time; code that takes one can be tested with a FakeClock
// (tests/testing/fake_clock.h), whose time moves only when told.
//
//   const absl::Duration start = clock.SteadyTime();
//   ...
//   const absl::Duration taken = clock.SteadyTime() - start;
//
// Intervals are measured in steady time, people are shown wall time.
//
// Thread-safe. A reading costs some 25 ns and never blocks.

#ifndef BASE_OS_CLOCK_H_
#define BASE_OS_CLOCK_H_

#include "absl/time/time.h"

namespace gateway {

class Clock {
 public:
  virtual ~Clock() = default;

  // The time since some fixed moment in the past. Never goes back.
  virtual absl::Duration SteadyTime() = 0;

  // The time of day, which an operator or a time server may step either way.
  virtual absl::Time WallTime() = 0;
};

// Returns the machine's clock, which lives until the process ends.
Clock& SystemClock();

}  // namespace gateway

#endif  // BASE_OS_CLOCK_H_
