#include "service/cache/in_flight_calls.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/cache/kept_answer.h"
#include "service/cache/request_key.h"
#include "tests/service/cache/kept_answers.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

class InFlightCallsTest : public testing::Test {
 public:
  LoopRunner runner_;
  EventLoop& loop_ = runner_.loop();
  CancelSignal cancel_;
  InFlightCalls calls_{1000};
};

TEST_F(InFlightCallsTest, TheFirstLeadsAndAllGetItsAnswer) {
  InFlightCalls::Joined first = calls_.Join(KeyNumber(1), "call_1");
  InFlightCalls::Joined second = calls_.Join(KeyNumber(1), "call_2");
  InFlightCalls::Joined other = calls_.Join(KeyNumber(2), "call_3");
  ASSERT_TRUE(first.lead && other.lead);
  EXPECT_FALSE(second.lead);
  EXPECT_EQ(calls_.size(), 2);
  EXPECT_EQ(calls_.joined(), 1);
  EXPECT_EQ(second.share->answer().request_id(), "call_1");
  first.lead->Finish(Good("hello"));
  EXPECT_EQ(calls_.size(), 1);
  for (InFlightCalls::Joined* const joined : {&first, &second}) {
    const absl::StatusOr<SharedOutcome> outcome =
        runner_.Run(joined->share->Wait(loop_, cancel_));
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(outcome->answer->body, "hello");
  }
  // What is over is asked for anew.
  EXPECT_TRUE(calls_.Join(KeyNumber(1), "call_4").lead);
}

TEST_F(InFlightCallsTest, WhoLeadsMayLeaveAsAnyOther) {
  const auto run = [](InFlightCallsTest& test) -> Task<void> {
    InFlightCalls::Joined first = test.calls_.Join(KeyNumber(1), "call_1");
    CancelSignal& work = first.lead->Begin(test.loop_);
    InFlightCalls::Joined second = test.calls_.Join(KeyNumber(1), "call_2");
    first.share.reset();
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_FALSE(work.cancelled());
    second.share.reset();
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(work.cancelled());
    // Who comes now begins another, which the end of the first leaves alone.
    InFlightCalls::Joined third = test.calls_.Join(KeyNumber(1), "call_3");
    EXPECT_TRUE(third.lead);
    first.lead->Finish({.status = work.status()});
    EXPECT_EQ(test.calls_.size(), 1);
    InFlightCalls::Joined fourth = test.calls_.Join(KeyNumber(1), "call_4");
    EXPECT_FALSE(fourth.lead);
    EXPECT_EQ(fourth.share->answer().request_id(), "call_3");
    third.lead->Finish(Good("hello"));
    const absl::StatusOr<SharedOutcome> outcome =
        co_await fourth.share->Wait(test.loop_, test.cancel_);
    EXPECT_TRUE(outcome.ok() && outcome->answer->body == "hello");
  };
  runner_.Run(run(*this));
}

TEST_F(InFlightCallsTest, ALeadThatSaysNothingHasFailed) {
  InFlightCalls::Joined first = calls_.Join(KeyNumber(1), "call_1");
  InFlightCalls::Joined second = calls_.Join(KeyNumber(1), "call_2");
  first.lead.reset();
  const absl::StatusOr<SharedOutcome> outcome =
      runner_.Run(second.share->Wait(loop_, cancel_));
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(FaultReason(outcome->status), v1::ERROR_REASON_INTERNAL);
  EXPECT_EQ(calls_.size(), 0);
}

TEST_F(InFlightCallsTest, BeyondTheLimitCallsGoAlone) {
  InFlightCalls calls(16);  // One for each part.
  std::optional<InFlightCalls::Joined> kept[17];
  int alone = 0;
  for (uint64_t i = 0; i < 17; ++i) {
    kept[i].emplace(calls.Join(KeyNumber(i), "call"));
    if (!kept[i]->share) {
      ++alone;
      EXPECT_FALSE(kept[i]->lead);
    }
  }
  EXPECT_GE(alone, 1);
  EXPECT_EQ(calls.size(), 17 - alone);
  // Who joins takes no place.
  EXPECT_TRUE(calls.Join(KeyNumber(0), "call").share);
}

// Asks one of a few things; leads if it has to.
Task<void> AskTogether(InFlightCalls* calls, EventLoop* loop, uint64_t number,
                       std::atomic<int>* led, std::atomic<int>* wrong) {
  InFlightCalls::Joined joined = calls->Join(KeyNumber(number), "call");
  if (joined.lead) {
    ++*led;
    joined.lead->Begin(*loop);
    co_await YieldToLoop();
    joined.lead->Finish(Good(std::to_string(number)));
  }
  CancelSignal cancel;
  const absl::StatusOr<SharedOutcome> outcome =
      co_await joined.share->Wait(*loop, cancel);
  if (!outcome.ok() || outcome->answer->body != std::to_string(number) ||
      EventLoop::Current() != loop) {
    ++*wrong;
  }
}

TEST(InFlightCallsThreadsTest, NobodyGetsAnothersAnswer) {
  constexpr int kCalls = 3000;
  InFlightCalls calls(1000);
  std::atomic<int> led = 0;
  std::atomic<int> wrong = 0;
  {
    LoopThread threads[3];
    for (int i = 0; i < kCalls; ++i) {
      EventLoop* const loop = &threads[i % 3].loop();
      loop->Post([&calls, &led, &wrong, loop, i] {
        Spawn(AskTogether(&calls, loop, i / 9, &led, &wrong));
      });
    }
    for (int turn = 0; turn < 3; ++turn) {
      for (LoopThread& thread : threads) ASSERT_TRUE(thread.Run([] {}));
    }
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(led, kCalls / 9);
  EXPECT_EQ(calls.size(), 0);
}

}  // namespace
}  // namespace gateway
