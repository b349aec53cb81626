#include "base/async/event_loop.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

class EventLoopTest : public testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = *EventLoop::Create();
};

TEST_F(EventLoopTest, RunsWhatIsPostedInOrderOnItsThread) {
  std::vector<int> order;
  for (int i = 0; i < 10; ++i) {
    loop_->Post([&, i] {
      EXPECT_EQ(EventLoop::Current(), loop_.get());
      order.push_back(i);
    });
  }
  loop_->Post([&] { loop_->Stop(); });
  EXPECT_EQ(EventLoop::Current(), nullptr);
  loop_->Run();
  EXPECT_EQ(EventLoop::Current(), nullptr);
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST_F(EventLoopTest, WorkMayPostMore) {
  int left = 1000;
  std::function<void()> again = [&] {
    if (--left == 0) {
      loop_->Stop();
    } else {
      loop_->Post(again);
    }
  };
  loop_->Post(again);
  loop_->Run();
  EXPECT_EQ(left, 0);
}

TEST_F(EventLoopTest, TakesWorkFromManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 10'000;
  int count = 0;  // Touched by the loop alone.
  std::vector<Thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back("poster", [&] {
      for (int i = 0; i < kPosts; ++i) {
        loop_->Post([&] {
          if (++count == kThreads * kPosts) loop_->Stop();
        });
      }
    });
  }
  loop_->Run();
  EXPECT_EQ(count, kThreads * kPosts);
}

TEST_F(EventLoopTest, StopFromAnotherThreadWakesASleepingLoop) {
  Thread stopper("stopper", [&] { loop_->Stop(); });
  loop_->Run();
}

// Counts how often it was called, and does what it is told then.
class CountedTurnEnd final : public TurnEndTask {
 public:
  void OnTurnEnd() override {
    ++count;
    if (then) then();
  }

  int count = 0;
  std::function<void()> then;
};

TEST_F(EventLoopTest, DoesATurnEndTaskOnceAfterEverythingElseOfTheTurn) {
  CountedTurnEnd task;
  loop_->Post([&] {
    loop_->RunAtTurnEnd(task);
    loop_->RunAtTurnEnd(task);
  });
  loop_->Post([&] { EXPECT_EQ(task.count, 0); });
  task.then = [&] { loop_->Stop(); };
  loop_->Run();
  EXPECT_EQ(task.count, 1);
}

TEST_F(EventLoopTest, ATurnEndTaskThatAsksAgainWaitsForTheNextTurnOnly) {
  CountedTurnEnd task;
  loop_->Post([&] { loop_->RunAtTurnEnd(task); });
  task.then = [&] {
    if (task.count == 3) return loop_->Stop();
    loop_->RunAtTurnEnd(task);
    EXPECT_LT(task.count, 3);
  };
  loop_->Run();
  EXPECT_EQ(task.count, 3);
}

// A socket whose other end has written, so that the loop finds it ready.
class ReadySocket final : public IoWatcher {
 public:
  explicit ReadySocket(EventLoop& loop) : loop_(loop) {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_), 0);
    EXPECT_EQ(write(ends_[1], "x", 1), 1);
    EXPECT_TRUE(loop_.Watch(ends_[0], this).ok());
  }
  ~ReadySocket() {
    loop_.Unwatch(ends_[0], this);
    close(ends_[0]);
    close(ends_[1]);
  }
  void OnIo(uint32_t) override { then(); }

  std::function<void()> then;

 private:
  EventLoop& loop_;
  int ends_[2];
};

// In how many turns' time a task is done that the first of `sockets` asked for,
// where all are found ready in one turn.
int TurnsUntilTaskIsDone(EventLoop& loop, int sockets) {
  CountedTurnEnd task;
  int turns = 0;
  int done_after = 0;
  std::vector<std::unique_ptr<ReadySocket>> ready;
  for (int i = 0; i < sockets; ++i) {
    ready.push_back(std::make_unique<ReadySocket>(loop));
    ready.back()->then = [&] { loop.RunAtTurnEnd(task); };
  }
  std::function<void()> count = [&] {
    ++turns;
    if (task.count == 0) return loop.Post(count);
    loop.Stop();
  };
  task.then = [&] { done_after = turns; };
  loop.Post(count);
  loop.Run();
  return done_after;
}

TEST_F(EventLoopTest, ATurnEndTaskIsDoneAtTheEndOfAQuietTurn) {
  EXPECT_EQ(TurnsUntilTaskIsDone(*loop_, 1), 1);
}

TEST_F(EventLoopTest, ATurnEndTaskWaitsForTheTurnAfterABusyOne) {
  EXPECT_EQ(TurnsUntilTaskIsDone(*loop_, 20), 2);
}

TEST_F(EventLoopTest, ATurnEndTaskMayDestroyAnother) {
  auto a = std::make_unique<CountedTurnEnd>();
  auto b = std::make_unique<CountedTurnEnd>();
  a->then = [&] { b.reset(); };
  b->then = [&] { a.reset(); };
  loop_->Post([&] {
    loop_->RunAtTurnEnd(*a);
    loop_->RunAtTurnEnd(*b);
    loop_->Post([&] { loop_->Stop(); });
  });
  loop_->Run();
  EXPECT_NE(a == nullptr, b == nullptr);
}

TEST_F(EventLoopTest, CanRunAgainAfterItStopped) {
  int runs = 0;
  for (int i = 0; i < 3; ++i) {
    loop_->Post([&] {
      ++runs;
      loop_->Stop();
    });
    loop_->Run();
  }
  EXPECT_EQ(runs, 3);
}

TEST_F(EventLoopTest, WhatWasPostedBeforeStopStillRuns) {
  bool ran = false;
  loop_->Stop();
  loop_->Post([&] { ran = true; });
  loop_->Run();
  EXPECT_TRUE(ran);
}

TEST_F(EventLoopTest, FiresTimersNotBeforeTheirTime) {
  const absl::Duration begin = loop_->Now();
  absl::Duration end;
  Timer timer([&] {
    end = loop_->Now();
    loop_->Stop();
  });
  loop_->ArmTimer(timer, absl::Milliseconds(20));
  loop_->Run();
  EXPECT_GE(end - begin, absl::Milliseconds(20));
}

struct Watcher final : IoWatcher {
  void OnIo(uint32_t events) override { on_io(events); }
  std::function<void(uint32_t)> on_io;
};

TEST_F(EventLoopTest, TellsOfInputOnce) {
  const int fd = eventfd(0, EFD_NONBLOCK);
  int told = 0;
  Watcher watcher;
  watcher.on_io = [&](uint32_t events) {
    if ((events & EPOLLIN) == 0) return;
    ++told;
    // Edge-triggered: nothing was read, and yet it is not told again.
    loop_->Post([&] { loop_->Post([&] { loop_->Stop(); }); });
  };
  ASSERT_TRUE(loop_->Watch(fd, &watcher).ok());
  eventfd_write(fd, 1);
  loop_->Run();
  EXPECT_EQ(told, 1);
  loop_->Unwatch(fd, &watcher);
  close(fd);
}

TEST_F(EventLoopTest, SaysWhatCannotBeWatched) {
  Watcher watcher;
  EXPECT_FALSE(loop_->Watch(-1, &watcher).ok());
}

TEST_F(EventLoopTest, NoCallComesAfterUnwatchNotEvenInTheSameTurn) {
  const int fds[] = {eventfd(1, EFD_NONBLOCK), eventfd(1, EFD_NONBLOCK)};
  Watcher watchers[2];
  int calls = 0;
  for (int i : {0, 1}) {
    watchers[i].on_io = [&, i](uint32_t) {
      ++calls;
      loop_->Unwatch(fds[1 - i], &watchers[1 - i]);
      loop_->Unwatch(fds[i], &watchers[i]);
      loop_->Stop();
    };
    ASSERT_TRUE(loop_->Watch(fds[i], &watchers[i]).ok());
  }
  loop_->Run();
  EXPECT_EQ(calls, 1);
  for (const int fd : fds) close(fd);
}

Task<void> Count(int* count, int turns) {
  for (int i = 0; i < turns; ++i) {
    ++*count;
    co_await YieldToLoop();
  }
}

Task<void> TakeTurns(std::vector<int>* order, int id) {
  for (int i = 0; i < 3; ++i) {
    order->push_back(id);
    co_await YieldToLoop();
  }
}

TEST(YieldToLoopTest, LetsOthersHaveTheirTurn) {
  LoopRunner runner;
  std::vector<int> order;
  runner.loop().Post([&] {
    Spawn(TakeTurns(&order, 1));
    Spawn(TakeTurns(&order, 2));
  });
  int count = 0;
  runner.Run(Count(&count, 10));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 1, 2}));
  EXPECT_EQ(count, 10);
}

Task<void> AwaitAndTell(WakeUp* event, bool* awake) {
  co_await event->Wait();
  *awake = true;
}

Task<void> WakeUpStory() {
  WakeUp event;
  bool awake = false;
  Spawn(AwaitAndTell(&event, &awake));
  co_await YieldToLoop();
  EXPECT_FALSE(awake);
  event.Set();
  EXPECT_FALSE(awake) << "woken by the loop, not by Set";
  event.Set();
  co_await YieldToLoop();
  EXPECT_TRUE(awake);

  // Both Sets were one.
  awake = false;
  Spawn(AwaitAndTell(&event, &awake));
  co_await YieldToLoop();
  EXPECT_FALSE(awake);
  event.Set();
  co_await YieldToLoop();
  EXPECT_TRUE(awake);

  // A Set before the Wait is kept.
  event.Set();
  awake = false;
  Spawn(AwaitAndTell(&event, &awake));
  EXPECT_TRUE(awake);
}

TEST(WakeUpTest, WakesOneWaiterOncePerSet) {
  LoopRunner runner;
  runner.Run(WakeUpStory());
}

}  // namespace
}  // namespace gateway
