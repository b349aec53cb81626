#include "service/api/standing_check.h"

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "gtest/gtest.h"
#include "service/api/call_context.h"

namespace gateway {
namespace {

class StandingCheckTest : public testing::Test {
 protected:
  // Lets the wheel's time go on to `intervals` after the test's beginning. The
  // loop's own stands still meanwhile, so that what is armed by then is due at
  // once, again and again.
  void GoOnTo(double intervals) {
    loop_->timers().Advance(began_ + intervals * StandingCheck::kInterval);
  }

  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
  CallContext call_{*loop_, {.method = "the method"}};
  absl::Status known_;
  int asked_ = 0;
  const StandingCheck::Check check_ = [this](const CallContext& call) {
    EXPECT_EQ(&call, &call_);
    ++asked_;
    return known_;
  };
  const absl::Duration began_ = loop_->Now();
};

TEST_F(StandingCheckTest, ACallWhoseCallerIsKnownGoesOn) {
  const StandingCheck standing(call_, check_);
  EXPECT_EQ(asked_, 0);
  GoOnTo(0.5);
  EXPECT_EQ(asked_, 0);
  GoOnTo(1.5);
  EXPECT_GT(asked_, 1);
  EXPECT_FALSE(call_.cancel().cancelled());
}

TEST_F(StandingCheckTest, ACallWhoseCallerIsNotKnownAnyMoreEndsWithTheReason) {
  for (const absl::Status& refused :
       {absl::UnauthenticatedError("the token has expired"),
        absl::PermissionDeniedError("is no operator")}) {
    const std::unique_ptr<EventLoop> loop = *EventLoop::Create();
    CallContext call(*loop, {.method = "the method"});
    const StandingCheck::Check refuse = [&](const CallContext&) {
      return refused;
    };
    const StandingCheck standing(call, refuse);
    EXPECT_FALSE(call.cancel().cancelled());
    loop->timers().Advance(loop->Now() + 1.5 * StandingCheck::kInterval);
    EXPECT_EQ(call.cancel().status(), refused);
  }
}

TEST_F(StandingCheckTest, WhatCannotBeAskedJustNowEndsNoCall) {
  const StandingCheck standing(call_, check_);
  known_ = absl::UnavailableError("the keys cannot be had");
  GoOnTo(1.5);
  EXPECT_GT(asked_, 0);
  EXPECT_FALSE(call_.cancel().cancelled());
  known_ = absl::UnauthenticatedError("who?");
  GoOnTo(2.5);
  EXPECT_EQ(call_.cancel().status(), known_);
}

TEST_F(StandingCheckTest, NobodyIsAskedForACallThatIsOver) {
  { const StandingCheck standing(call_, check_); }
  GoOnTo(1.5);
  EXPECT_EQ(asked_, 0);
}

}  // namespace
}  // namespace gateway
