#include "base/async/blocking_worker.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

// One piece of work, and what its caller got.
struct Asked {
  CancelSignal cancel;
  absl::StatusOr<std::string> result = absl::UnknownError("none yet");
  Event answered;
};

class BlockingWorkerTest : public testing::Test {
 protected:
  // Asks on the loop and returns without waiting for the answer.
  std::shared_ptr<Asked> Ask(std::function<std::string()> work) {
    auto asked = std::make_shared<Asked>();
    EXPECT_TRUE(loop_.Run([&] { Spawn(Await(*worker_, asked, work)); }));
    return asked;
  }

  // Work that goes on until `release`, and has begun when this returns.
  std::shared_ptr<Asked> AskAndHold(Event& release) {
    const auto begun = std::make_shared<Event>();
    std::shared_ptr<Asked> asked = Ask([begun, &release] {
      begun->Set();
      EXPECT_TRUE(release.Wait());
      return std::string("held");
    });
    EXPECT_TRUE(begun->Wait());
    return asked;
  }

  void Cancel(Asked& asked) {
    ASSERT_TRUE(loop_.Run(
        [&] { asked.cancel.Cancel(absl::CancelledError("hung up")); }));
  }

  LoopThread loop_;
  std::optional<BlockingWorker> worker_{
      BlockingWorker::Options{.name = "test", .waiting_limit = 2}};

 private:
  static Task<void> Await(BlockingWorker& worker, std::shared_ptr<Asked> asked,
                          std::function<std::string()> work) {
    asked->result = co_await worker.Run(std::move(work), asked->cancel);
    asked->answered.Set();
  }
};

TEST_F(BlockingWorkerTest, AnswersOnTheLoopWhatItsOwnThreadHasDone) {
  EventLoop* on_worker = &loop_.loop();
  EventLoop* on_loop = nullptr;
  CancelSignal cancel;
  ASSERT_TRUE(loop_.RunTask([&]() -> Task<void> {
    const absl::StatusOr<int> answer = co_await worker_->Run(
        [&on_worker] {
          on_worker = EventLoop::Current();
          return 42;
        },
        cancel);
    EXPECT_EQ(*answer, 42);
    on_loop = EventLoop::Current();
  }));
  EXPECT_EQ(on_worker, nullptr);
  EXPECT_EQ(on_loop, &loop_.loop());
}

TEST_F(BlockingWorkerTest, TheLoopGoesOnWhileTheWorkBlocks) {
  Event release;
  const std::shared_ptr<Asked> held = AskAndHold(release);
  EXPECT_TRUE(loop_.Run([] {}));
  EXPECT_FALSE(held->answered.IsSet());
  release.Set();
  ASSERT_TRUE(held->answered.Wait());
  EXPECT_EQ(*held->result, "held");
}

TEST_F(BlockingWorkerTest, WorksInTheOrderInWhichItIsAsked) {
  Event release;
  const std::shared_ptr<Asked> held = AskAndHold(release);
  std::string order;
  const std::shared_ptr<Asked> first = Ask([&order] { return order += "1"; });
  const std::shared_ptr<Asked> second = Ask([&order] { return order += "2"; });
  release.Set();
  ASSERT_TRUE(second->answered.Wait());
  EXPECT_EQ(*first->result, "1");
  EXPECT_EQ(*second->result, "12");
}

TEST_F(BlockingWorkerTest, RefusesAtOnceWhatHasNoRoomToWait) {
  Event release;
  const std::shared_ptr<Asked> held = AskAndHold(release);
  const std::shared_ptr<Asked> first = Ask([] { return std::string("1"); });
  const std::shared_ptr<Asked> second = Ask([] { return std::string("2"); });
  const std::shared_ptr<Asked> refused = Ask([] { return std::string("3"); });
  ASSERT_TRUE(refused->answered.Wait());
  EXPECT_EQ(refused->result.status(),
            absl::ResourceExhaustedError("2 pieces of work wait already"));
  release.Set();
  ASSERT_TRUE(second->answered.Wait());
  EXPECT_EQ(*first->result, "1");
  EXPECT_EQ(*second->result, "2");
}

TEST_F(BlockingWorkerTest, ACancelledCallerDoesNotWaitForWorkUnderWay) {
  Event release;
  const std::shared_ptr<Asked> held = AskAndHold(release);
  Cancel(*held);
  ASSERT_TRUE(held->answered.Wait());
  EXPECT_EQ(held->result.status(), absl::CancelledError("hung up"));
  release.Set();
  // The work that nobody waits for any more ends quietly.
  const std::shared_ptr<Asked> next = Ask([] { return std::string("next"); });
  ASSERT_TRUE(next->answered.Wait());
  EXPECT_EQ(*next->result, "next");
}

TEST_F(BlockingWorkerTest, WorkOfACancelledCallerIsNotBegun) {
  Event release;
  const std::shared_ptr<Asked> held = AskAndHold(release);
  std::atomic<bool> begun = false;
  const std::shared_ptr<Asked> waiting = Ask([&begun] {
    begun = true;
    return std::string();
  });
  Cancel(*waiting);
  ASSERT_TRUE(waiting->answered.Wait());
  release.Set();
  ASSERT_TRUE(Ask([] { return std::string(); })->answered.Wait());
  EXPECT_FALSE(begun);
}

TEST_F(BlockingWorkerTest, AnAlreadyCancelledCallerIsToldSo) {
  auto asked = std::make_shared<Asked>();
  std::atomic<bool> begun = false;
  ASSERT_TRUE(loop_.RunTask([&]() -> Task<void> {
    asked->cancel.Cancel(absl::DeadlineExceededError("late"));
    const absl::StatusOr<int> answer = co_await worker_->Run(
        [&begun] {
          begun = true;
          return 1;
        },
        asked->cancel);
    EXPECT_EQ(answer.status(), absl::DeadlineExceededError("late"));
  }));
  ASSERT_TRUE(Ask([] { return std::string(); })->answered.Wait());
  EXPECT_FALSE(begun);
}

TEST_F(BlockingWorkerTest, GoesOnceTheWorkUnderWayHasEndedAndForgetsTheRest) {
  Event release;
  const std::shared_ptr<Asked> held = AskAndHold(release);
  std::atomic<bool> begun = false;
  const std::shared_ptr<Asked> waiting = Ask([&begun] {
    begun = true;
    return std::string();
  });
  Cancel(*waiting);
  ASSERT_TRUE(waiting->answered.Wait());
  release.Set();
  worker_.reset();
  ASSERT_TRUE(held->answered.Wait());
  EXPECT_EQ(*held->result, "held");
  EXPECT_FALSE(begun);
}

TEST_F(BlockingWorkerTest, WorkMayOutliveTheLoopOfACallerWhoGaveUp) {
  auto loop = std::make_unique<LoopThread>();
  CancelSignal cancel;
  Event begun;
  Event release;
  Event given_up;
  ASSERT_TRUE(loop->Run([&] {
    Spawn([](BlockingWorker& worker, CancelSignal& cancel, Event& begun,
             Event& release, Event& given_up) -> Task<void> {
      const absl::StatusOr<bool> result = co_await worker.Run(
          [&begun, &release] {
            begun.Set();
            return release.Wait();
          },
          cancel);
      EXPECT_EQ(result.status(), absl::CancelledError("hung up"));
      given_up.Set();
    }(*worker_, cancel, begun, release, given_up));
  }));
  ASSERT_TRUE(begun.Wait());
  ASSERT_TRUE(
      loop->Run([&] { cancel.Cancel(absl::CancelledError("hung up")); }));
  ASSERT_TRUE(given_up.Wait());
  loop.reset();
  release.Set();
  ASSERT_TRUE(Ask([] { return std::string(); })->answered.Wait());
}

}  // namespace
}  // namespace gateway
