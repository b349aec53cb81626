#include "service/cache/shared_answer.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/cache/kept_answer.h"
#include "tests/service/cache/kept_answers.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

class SharedAnswerTest : public testing::Test {
 public:
  SimulatedTime time_;
  LoopRunner runner_{time_};
  EventLoop& loop_ = runner_.loop();
  CancelSignal cancel_;
  std::shared_ptr<SharedAnswer> shared_ =
      std::make_shared<SharedAnswer>("call_1");
};

TEST_F(SharedAnswerTest, WhoComesAfterTheEndGetsItAtOnce) {
  shared_->Finish(Good("hello"));
  shared_->Finish({.status = absl::InternalError("a second end")});
  EXPECT_TRUE(shared_->finished());
  std::optional<AnswerShare> share = SharedAnswer::Join(shared_);
  ASSERT_TRUE(share);
  const absl::StatusOr<SharedOutcome> outcome =
      runner_.Run(share->Wait(loop_, cancel_));
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->status.ok());
  EXPECT_EQ(outcome->answer->body, "hello");
}

// Waits, and says when its end has come.
Task<void> WaitFor(std::shared_ptr<SharedAnswer> shared, EventLoop& loop,
                   CancelSignal& cancel,
                   std::optional<absl::StatusOr<SharedOutcome>>* outcome) {
  std::optional<AnswerShare> share = SharedAnswer::Join(shared);
  *outcome = co_await share->Wait(loop, cancel);
}

TEST_F(SharedAnswerTest, AllWhoWaitGetTheSame) {
  std::optional<absl::StatusOr<SharedOutcome>> outcomes[3];
  const auto run = [](SharedAnswerTest& test, auto& results) -> Task<void> {
    for (auto& result : results) {
      Spawn(WaitFor(test.shared_, test.loop_, test.cancel_, &result));
    }
    EXPECT_EQ(test.shared_->audience().size(), 3);
    test.shared_->Finish(Good("hello"));
    // Nobody is resumed from within.
    EXPECT_FALSE(results[0]);
    co_await YieldToLoop();
    co_await YieldToLoop();
  };
  runner_.Run(run(*this, outcomes));
  for (const auto& outcome : outcomes) {
    ASSERT_TRUE(outcome && outcome->ok());
    EXPECT_EQ((*outcome)->answer->body, "hello");
    EXPECT_EQ((*outcome)->answer, (*outcomes[0])->answer);
  }
  EXPECT_EQ(shared_->audience().size(), 0);
}

TEST_F(SharedAnswerTest, AFailureIsToldToAll) {
  std::optional<absl::StatusOr<SharedOutcome>> outcome;
  const auto run = [](SharedAnswerTest& test, auto& result) -> Task<void> {
    Spawn(WaitFor(test.shared_, test.loop_, test.cancel_, &result));
    test.shared_->Finish({.status = absl::UnavailableError("down")});
    co_await YieldToLoop();
    co_await YieldToLoop();
  };
  runner_.Run(run(*this, outcome));
  ASSERT_TRUE(outcome && outcome->ok());
  EXPECT_EQ((*outcome)->status, absl::UnavailableError("down"));
}

TEST_F(SharedAnswerTest, WhoGivesUpLeavesTheOthersAlone) {
  CancelSignal other;
  std::optional<absl::StatusOr<SharedOutcome>> outcomes[2];
  const auto run = [](SharedAnswerTest& test, CancelSignal& gives_up,
                      auto& results) -> Task<void> {
    std::optional<AnswerShare> first = SharedAnswer::Join(test.shared_);
    CancelSignal& work =
        test.shared_->audience().Begin(test.loop_, absl::ZeroDuration());
    Spawn(WaitFor(test.shared_, test.loop_, gives_up, &results[0]));
    Spawn(WaitFor(test.shared_, test.loop_, test.cancel_, &results[1]));
    first.reset();
    gives_up.Cancel(absl::CancelledError("gone"));
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_FALSE(work.cancelled());
    EXPECT_FALSE(results[1]);
    test.shared_->audience().End();
    test.shared_->Finish(Good("hello"));
    co_await YieldToLoop();
    co_await YieldToLoop();
  };
  runner_.Run(run(*this, other, outcomes));
  ASSERT_TRUE(outcomes[0] && outcomes[1]);
  EXPECT_EQ(outcomes[0]->status(), absl::CancelledError("gone"));
  ASSERT_TRUE(outcomes[1]->ok());
  EXPECT_EQ((*outcomes[1])->answer->body, "hello");
}

TEST_F(SharedAnswerTest, WhoIsGoneAlreadyDoesNotWait) {
  cancel_.Cancel(absl::CancelledError("gone"));
  std::optional<AnswerShare> share = SharedAnswer::Join(shared_);
  const absl::StatusOr<SharedOutcome> outcome =
      runner_.Run(share->Wait(loop_, cancel_));
  EXPECT_EQ(outcome.status(), absl::CancelledError("gone"));
}

TEST_F(SharedAnswerTest, WhenNobodyIsLeftTheWorkIsToldAndNobodyJoins) {
  const auto run = [](SharedAnswerTest& test) -> Task<void> {
    std::optional<AnswerShare> first = SharedAnswer::Join(test.shared_);
    CancelSignal& work =
        test.shared_->audience().Begin(test.loop_, absl::ZeroDuration());
    std::optional<AnswerShare> second = SharedAnswer::Join(test.shared_);
    first.reset();
    co_await YieldToLoop();
    EXPECT_FALSE(work.cancelled());
    second.reset();
    EXPECT_FALSE(work.cancelled());
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_TRUE(work.cancelled());
    EXPECT_EQ(FaultReason(work.status()), v1::ERROR_REASON_CANCELLED);
    EXPECT_FALSE(SharedAnswer::Join(test.shared_));
    test.shared_->audience().End();
  };
  runner_.Run(run(*this));
}

TEST_F(SharedAnswerTest, WhoComesBeforeTheLoopHasNoticedIsNotTooLate) {
  const auto run = [](SharedAnswerTest& test) -> Task<void> {
    std::optional<AnswerShare> first = SharedAnswer::Join(test.shared_);
    CancelSignal& work =
        test.shared_->audience().Begin(test.loop_, absl::ZeroDuration());
    first.reset();
    std::optional<AnswerShare> second = SharedAnswer::Join(test.shared_);
    EXPECT_TRUE(second);
    co_await YieldToLoop();
    co_await YieldToLoop();
    EXPECT_FALSE(work.cancelled());
    test.shared_->audience().End();
  };
  runner_.Run(run(*this));
}

// Waits once, on whatever loop, and gives up at once in half of the cases.
Task<void> WaitOnce(std::shared_ptr<SharedAnswer> shared, EventLoop* loop,
                    bool gives_up, std::atomic<int>* answered,
                    std::atomic<int>* wrong) {
  std::optional<AnswerShare> share = SharedAnswer::Join(shared);
  if (!share) co_return;
  CancelSignal cancel;
  Timer timer([&cancel] { cancel.Cancel(absl::CancelledError("gone")); });
  if (gives_up) loop->ArmTimer(timer, absl::ZeroDuration());
  const absl::StatusOr<SharedOutcome> outcome =
      co_await share->Wait(*loop, cancel);
  if (EventLoop::Current() != loop) ++*wrong;
  if (outcome.ok()) {
    ++*answered;
    if (outcome->answer->body != "hello") ++*wrong;
  } else if (outcome.status() != absl::CancelledError("gone")) {
    ++*wrong;
  }
}

TEST(SharedAnswerThreadsTest, EachIsResumedOnItsOwnLoop) {
  constexpr int kRounds = 200;
  constexpr int kWaitersEach = 6;
  std::atomic<int> answered = 0;
  std::atomic<int> wrong = 0;
  {
    LoopThread threads[3];
    for (int round = 0; round < kRounds; ++round) {
      const auto shared = std::make_shared<SharedAnswer>("call_1");
      for (LoopThread& thread : threads) {
        EventLoop* const loop = &thread.loop();
        for (int i = 0; i < kWaitersEach; ++i) {
          const bool gives_up = i % 2 == 1;
          loop->Post([shared, loop, gives_up, &answered, &wrong] {
            Spawn(WaitOnce(shared, loop, gives_up, &answered, &wrong));
          });
        }
      }
      threads[round % 3].loop().Post(
          [shared] { shared->Finish(Good("hello")); });
    }
    // Whatever was posted has run; and what that has posted in turn.
    for (int turn = 0; turn < 2; ++turn) {
      for (LoopThread& thread : threads) ASSERT_TRUE(thread.Run([] {}));
    }
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(answered, kRounds * 3 * kWaitersEach / 2);
}

}  // namespace
}  // namespace gateway
