#include "service/cache/audience.h"

#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

class AudienceTest : public testing::Test {
 public:
  SimulatedTime time_;
  LoopRunner runner_{time_};
  EventLoop& loop_ = runner_.loop();
  CancelSignal cancel_;
};

TEST_F(AudienceTest, AGraceBeginsAnewEachTimeThatTheLastOneLeaves) {
  const auto run = [](AudienceTest& test) -> Task<void> {
    const auto audience = std::make_shared<Audience>();
    std::optional<Audience::Seat> seat = audience->Join();
    CancelSignal& work = audience->Begin(test.loop_, absl::Seconds(30));
    seat.reset();
    (co_await Sleep(test.loop_, absl::Seconds(29), test.cancel_)).IgnoreError();
    EXPECT_FALSE(work.cancelled());
    seat = audience->Join();
    (co_await Sleep(test.loop_, absl::Seconds(60), test.cancel_)).IgnoreError();
    EXPECT_FALSE(work.cancelled());
    seat.reset();
    (co_await Sleep(test.loop_, absl::Seconds(29), test.cancel_)).IgnoreError();
    EXPECT_FALSE(work.cancelled());
    (co_await Sleep(test.loop_, absl::Seconds(2), test.cancel_)).IgnoreError();
    EXPECT_TRUE(work.cancelled());
    EXPECT_FALSE(audience->Join());
    audience->End();
    // What has been made can be had by anybody.
    EXPECT_TRUE(audience->Join());
  };
  runner_.Run(run(*this));
}

TEST_F(AudienceTest, AnInfiniteGraceGivesNobodyUp) {
  const auto run = [](AudienceTest& test) -> Task<void> {
    const auto audience = std::make_shared<Audience>();
    std::optional<Audience::Seat> seat = audience->Join();
    CancelSignal& work = audience->Begin(test.loop_, absl::InfiniteDuration());
    seat.reset();
    (co_await Sleep(test.loop_, absl::Hours(1), test.cancel_)).IgnoreError();
    EXPECT_FALSE(work.cancelled());
    EXPECT_TRUE(audience->Join());
    audience->End();
  };
  runner_.Run(run(*this));
}

TEST_F(AudienceTest, WhenNobodyComesBackNoGraceIsWaitedFor) {
  const auto run = [](AudienceTest& test) -> Task<void> {
    const auto left = std::make_shared<Audience>();
    std::optional<Audience::Seat> seat = left->Join();
    CancelSignal& work = left->Begin(test.loop_, absl::InfiniteDuration());
    seat.reset();
    left->Close();
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(work.cancelled());
    left->End();
    // Who is here is served, also where the work begins only now.
    for (const bool has_begun : {true, false}) {
      const auto here = std::make_shared<Audience>();
      seat = here->Join();
      if (!has_begun) here->Close();
      CancelSignal& other = here->Begin(test.loop_, absl::Hours(1));
      if (has_begun) here->Close();
      co_await YieldToLoop();
      co_await YieldToLoop();
      EXPECT_FALSE(other.cancelled());
      seat.reset();
      co_await YieldToLoop();
      co_await YieldToLoop();
      EXPECT_TRUE(other.cancelled());
      here->End();
    }
  };
  runner_.Run(run(*this));
}

TEST_F(AudienceTest, WhoMovesItsSeatStaysOnce) {
  const auto audience = std::make_shared<Audience>();
  std::optional<Audience::Seat> seat = audience->Join();
  {
    Audience::Seat moved = *std::move(seat);
    seat.reset();  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(audience->size(), 1);
    Audience::Seat other = *audience->Join();
    EXPECT_EQ(audience->size(), 2);
    other = std::move(moved);
    EXPECT_EQ(audience->size(), 1);
  }
  EXPECT_EQ(audience->size(), 0);
}

}  // namespace
}  // namespace gateway
