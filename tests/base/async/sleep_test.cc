#include "base/async/sleep.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/os/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

class SleepTest : public testing::Test {
 protected:
  absl::Status SleepFor(absl::Duration duration) {
    return runner_.Run(Sleep(runner_.loop(), duration, cancel_));
  }

  void CancelAfter(absl::Duration delay) {
    runner_.loop().ArmTimer(cancelling_, delay);
  }

  LoopRunner runner_;
  CancelSignal cancel_;
  Timer cancelling_{
      [this] { cancel_.Cancel(absl::CancelledError("the client left")); }};
};

TEST_F(SleepTest, LastsAsLongAsItIsTold) {
  const absl::Duration began = SystemClock().SteadyTime();
  EXPECT_TRUE(SleepFor(absl::Milliseconds(20)).ok());
  EXPECT_GE(SystemClock().SteadyTime() - began, absl::Milliseconds(20));
}

TEST_F(SleepTest, NoTimeAtAllIsNoSleep) {
  EXPECT_TRUE(SleepFor(absl::ZeroDuration()).ok());
  EXPECT_TRUE(SleepFor(-absl::Seconds(1)).ok());
  EXPECT_TRUE(SleepFor(-absl::InfiniteDuration()).ok());
}

TEST_F(SleepTest, OthersGoOnMeanwhile) {
  std::vector<int> order;
  const auto sleeper = [&](int number, absl::Duration duration) -> Task<void> {
    (co_await Sleep(runner_.loop(), duration, cancel_)).IgnoreError();
    order.push_back(number);
  };
  runner_.loop().Post([&] {
    Spawn(sleeper(1, absl::Milliseconds(5)));
    Spawn(sleeper(2, absl::ZeroDuration()));
  });
  EXPECT_TRUE(SleepFor(absl::Milliseconds(40)).ok());
  EXPECT_THAT(order, ElementsAre(2, 1));
}

TEST_F(SleepTest, ACancelEndsItWithItsReason) {
  CancelAfter(absl::Milliseconds(1));
  EXPECT_EQ(SleepFor(absl::Hours(1)), absl::CancelledError("the client left"));
}

TEST_F(SleepTest, ForeverLastsUntilTheCancel) {
  CancelAfter(absl::Milliseconds(1));
  EXPECT_EQ(SleepFor(absl::InfiniteDuration()),
            absl::CancelledError("the client left"));
}

TEST_F(SleepTest, WhatIsOverAlreadyDoesNotSleep) {
  cancel_.Cancel(absl::DeadlineExceededError("too late"));
  EXPECT_EQ(SleepFor(absl::InfiniteDuration()),
            absl::DeadlineExceededError("too late"));
  EXPECT_EQ(SleepFor(absl::ZeroDuration()),
            absl::DeadlineExceededError("too late"));
}

}  // namespace
}  // namespace gateway
