#include "base/async/worker_pool.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "gtest/gtest.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"

namespace gateway {
namespace {

constexpr size_t kModest = kInPlaceBytesMax + 1;
constexpr size_t kLarge = WorkerPool::kModestBytesMax + 1;

// A loop with a pool of two threads: one for modest pieces, one for both kinds.
class WorkerPoolTest : public testing::Test {
 protected:
  void SetUp() override { SetPool(&*pool_); }

  void SetPool(WorkerPool* pool) {
    ASSERT_TRUE(loop_.Run([pool] { WorkerPool::SetCurrent(pool); }));
  }

  // Asks on the loop, and returns what is set when `work` is done and its
  // coroutine has gone on.
  std::shared_ptr<Event> Ask(
      size_t bytes, std::function<void()> work,
      WorkerPool::Stage stage = WorkerPool::Stage::kGoesOn) {
    auto done = std::make_shared<Event>();
    EXPECT_TRUE(loop_.Run([&] { Spawn(Await(bytes, work, stage, done)); }));
    return done;
  }

  // Work that goes on until `release`, and has begun when this returns.
  std::shared_ptr<Event> AskAndHold(size_t bytes, Event& release) {
    const auto begun = std::make_shared<Event>();
    std::shared_ptr<Event> done = Ask(bytes, [begun, &release] {
      begun->Set();
      EXPECT_TRUE(release.Wait());
    });
    EXPECT_TRUE(begun->Wait());
    return done;
  }

  std::optional<WorkerPool> pool_{std::in_place, /*threads_each=*/1};
  LoopThread loop_;

 private:
  static Task<void> Await(size_t bytes, std::function<void()> work,
                          WorkerPool::Stage stage,
                          std::shared_ptr<Event> done) {
    const auto all = [&work] {
      work();
      return true;
    };
    co_await OffLoop(bytes, all, stage);
    done->Set();
  }
};

TEST_F(WorkerPoolTest, WhatIsLargeIsDoneElsewhereAndAnsweredOnTheLoop) {
  for (const size_t bytes : {kModest, kLarge}) {
    EventLoop* at_work = &loop_.loop();
    EventLoop* afterwards = nullptr;
    std::string answer;
    ASSERT_TRUE(loop_.RunTask([&]() -> Task<void> {
      answer = co_await OffLoop(bytes, [&at_work] {
        at_work = EventLoop::Current();
        return std::string("an answer too long for the string itself");
      });
      afterwards = EventLoop::Current();
    }));
    EXPECT_EQ(at_work, nullptr);
    EXPECT_EQ(afterwards, &loop_.loop());
    EXPECT_EQ(answer, "an answer too long for the string itself");
  }
}

TEST_F(WorkerPoolTest, WhatIsSmallIsDoneInPlace) {
  EventLoop* at_work = nullptr;
  uint64_t turns = 0;
  ASSERT_TRUE(loop_.RunTask([&]() -> Task<void> {
    const uint64_t before = loop_.loop().turn();
    const absl::Status status = co_await OffLoop(kInPlaceBytesMax, [&at_work] {
      at_work = EventLoop::Current();
      return absl::InternalError("in place");
    });
    EXPECT_EQ(status, absl::InternalError("in place"));
    turns = loop_.loop().turn() - before;
  }));
  EXPECT_EQ(at_work, &loop_.loop());
  EXPECT_EQ(turns, 0);
}

TEST_F(WorkerPoolTest, WithoutAPoolAllIsDoneInPlace) {
  SetPool(nullptr);
  EventLoop* at_work = nullptr;
  ASSERT_TRUE(
      Ask(kLarge, [&at_work] { at_work = EventLoop::Current(); })->Wait());
  EXPECT_EQ(at_work, &loop_.loop());
}

TEST_F(WorkerPoolTest, TheLoopGoesOnWhileThereIsWork) {
  Event release;
  const auto large = AskAndHold(kLarge, release);
  const auto modest = AskAndHold(kModest, release);
  EXPECT_TRUE(loop_.Run([] {}));
  EXPECT_FALSE(modest->IsSet());
  EXPECT_FALSE(large->IsSet());
  release.Set();
  EXPECT_TRUE(modest->Wait());
  EXPECT_TRUE(large->Wait());
}

TEST_F(WorkerPoolTest, ModestPiecesPassAllThatAreLarge) {
  Event release;
  std::vector<std::shared_ptr<Event>> large = {AskAndHold(kLarge, release)};
  for (int i = 0; i < 100; ++i) large.push_back(Ask(kLarge, [] {}));
  EXPECT_EQ(pool_->waiting(), 100);
  EXPECT_TRUE(Ask(kModest, [] {})->Wait());
  EXPECT_TRUE(Ask(WorkerPool::kModestBytesMax, [] {})->Wait());
  EXPECT_EQ(pool_->waiting(), 100);
  release.Set();
  for (const auto& each : large) EXPECT_TRUE(each->Wait());
}

TEST_F(WorkerPoolTest, LargePiecesComeBeforeModestOnesOnTheirOwnThread) {
  Event release_modest;
  Event release_large;
  const auto held_large = AskAndHold(kLarge, release_large);
  const auto held_modest = AskAndHold(kModest, release_modest);
  Event release_next;
  std::atomic<bool> modest_begun = false;
  const auto modest = Ask(kModest, [&] { modest_begun = true; });
  Event large_begun;
  const auto large = Ask(kLarge, [&] {
    large_begun.Set();
    EXPECT_TRUE(release_next.Wait());
  });
  release_large.Set();
  ASSERT_TRUE(large_begun.Wait());
  EXPECT_FALSE(modest_begun);
  release_next.Set();
  EXPECT_TRUE(modest->Wait());  // Where large ones are served, too.
  release_modest.Set();
  EXPECT_TRUE(held_modest->Wait());
  EXPECT_TRUE(held_large->Wait());
  EXPECT_TRUE(large->Wait());
}

TEST_F(WorkerPoolTest, TakesPiecesOfAKindInTheOrderTheyCame) {
  Event release;
  const auto held = AskAndHold(kLarge, release);
  std::string order;
  const auto first = Ask(kLarge, [&order] { order += "1"; });
  const auto second = Ask(kLarge, [&order] { order += "2"; });
  const auto third = Ask(kLarge, [&order] { order += "3"; });
  release.Set();
  ASSERT_TRUE(third->Wait());
  ASSERT_TRUE(held->Wait());
  EXPECT_EQ(order, "123");
}

// Else all that wait would hold what has been read of their requests.
TEST_F(WorkerPoolTest, WhatGoesOnWithACallComesBeforeWhatBeginsOne) {
  Event release;
  const auto held_large = AskAndHold(kLarge, release);
  const auto held_modest = AskAndHold(kModest, release);
  Mutex mu;
  std::string order;
  const auto add = [&mu, &order](char c) {
    return [&mu, &order, c] {
      MutexLock lock(mu);
      order += c;
    };
  };
  std::vector<std::shared_ptr<Event>> all;
  all.push_back(Ask(kLarge, add('3'), WorkerPool::Stage::kBegins));
  all.push_back(Ask(kLarge, add('4'), WorkerPool::Stage::kBegins));
  all.push_back(Ask(kLarge, add('1')));
  all.push_back(Ask(kLarge, add('2')));
  release.Set();
  for (const auto& each : all) EXPECT_TRUE(each->Wait());
  EXPECT_EQ(order, "1234");
  EXPECT_TRUE(held_large->Wait());
  EXPECT_TRUE(held_modest->Wait());
}

TEST_F(WorkerPoolTest, ServesManyLoops) {
  LoopThread other;
  ASSERT_TRUE(other.Run([this] { WorkerPool::SetCurrent(&*pool_); }));
  int sum = 0;
  EventLoop* afterwards = nullptr;
  Event release;
  const auto held = AskAndHold(kLarge, release);
  ASSERT_TRUE(other.RunTask([&]() -> Task<void> {
    for (int i = 1; i <= 3; ++i) {
      sum += co_await OffLoop(kModest, [i] { return i; });
    }
    afterwards = EventLoop::Current();
  }));
  EXPECT_EQ(sum, 6);
  EXPECT_EQ(afterwards, &other.loop());
  release.Set();
  EXPECT_TRUE(held->Wait());
}

TEST_F(WorkerPoolTest, GoesWhenAllIsDone) {
  EXPECT_TRUE(Ask(kLarge, [] {})->Wait());
  pool_.reset();
}

TEST(WorkerPoolThreadsTest, AQuarterOfTheCoresForEachKind) {
  EXPECT_EQ(WorkerPool::ThreadsEach(1), 1);
  EXPECT_EQ(WorkerPool::ThreadsEach(7), 1);
  EXPECT_EQ(WorkerPool::ThreadsEach(8), 2);
  EXPECT_EQ(WorkerPool::ThreadsEach(64), 16);
}

}  // namespace
}  // namespace gateway
