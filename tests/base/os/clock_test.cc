#include "base/os/clock.h"

#include <ctime>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

TEST(SystemClockTest, SteadyTimeNeverGoesBack) {
  Clock& clock = SystemClock();
  absl::Duration last = clock.SteadyTime();
  for (int i = 0; i < 1000; ++i) {
    const absl::Duration now = clock.SteadyTime();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SystemClockTest, WallTimeIsTheTimeOfDay) {
  const absl::Time before = absl::FromTimeT(std::time(nullptr));
  const absl::Time now = SystemClock().WallTime();
  // std::time may read a coarser clock that lags by a tick.
  EXPECT_GE(now, before);
  EXPECT_LE(now, before + absl::Seconds(60));
}

TEST(FakeClockTest, TimeMovesOnlyWhenTold) {
  FakeClock clock;
  const absl::Duration steady = clock.SteadyTime();
  const absl::Time wall = clock.WallTime();
  EXPECT_EQ(clock.SteadyTime(), steady);

  clock.Advance(absl::Seconds(3));
  EXPECT_EQ(clock.SteadyTime(), steady + absl::Seconds(3));
  EXPECT_EQ(clock.WallTime(), wall + absl::Seconds(3));
}

TEST(FakeClockTest, ASteppedTimeOfDayLeavesSteadyTimeAlone) {
  FakeClock clock;
  const absl::Duration steady = clock.SteadyTime();
  clock.StepWallTime(absl::FromUnixSeconds(5));
  EXPECT_EQ(clock.WallTime(), absl::FromUnixSeconds(5));
  EXPECT_EQ(clock.SteadyTime(), steady);
}

}  // namespace
}  // namespace gateway
