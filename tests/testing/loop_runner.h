// LoopRunner drives an event loop in the test's own thread, until a task ends.
// (tests/testing/loop_thread.h runs one beside the test.)
//
//   LoopRunner runner;
//   const absl::StatusOr<std::string> answer = runner.Run(Ask("question"));
//
// What belongs to a loop is made and destroyed within such a task. A test that
// hangs is ended by a watchdog after half a minute, or after a year of
// simulated time (tests/testing/simulated_time.h).
//
// Thread contract: one thread.

#ifndef TESTS_TESTING_LOOP_RUNNER_H_
#define TESTS_TESTING_LOOP_RUNNER_H_

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/async/timer_wheel.h"

namespace gateway {

class LoopRunner {
 public:
  explicit LoopRunner(LoopWaiting& waiting = SystemWaiting())
      : loop_(*EventLoop::Create(waiting)),
        patience_(&waiting == &SystemWaiting() ? absl::Seconds(30)
                                               : absl::Hours(24 * 365)) {}

  EventLoop& loop() { return *loop_; }

  // Runs `task`, and whatever else is on the loop, until it ends.
  template <typename T>
  T Run(Task<T> task) {
    std::optional<T> result;
    RunRoot(Deliver(std::move(task), &result, loop_.get()));
    return *std::move(result);
  }
  void Run(Task<void> task) {
    RunRoot(AndStop(std::move(task), loop_.get()));
  }

 private:
  template <typename T>
  static Task<void> Deliver(Task<T> task, std::optional<T>* result,
                            EventLoop* loop) {
    result->emplace(co_await std::move(task));
    loop->Stop();
  }

  static Task<void> AndStop(Task<void> task, EventLoop* loop) {
    co_await std::move(task);
    loop->Stop();
  }

  void RunRoot(Task<void> root) {
    Timer watchdog([] {
      std::fputs("watchdog: the task has not ended in time\n", stderr);
      std::abort();
    });
    loop_->ArmTimer(watchdog, patience_);
    loop_->Post([&root] { Spawn(std::move(root)); });
    loop_->Run();
  }

  std::unique_ptr<EventLoop> loop_;
  const absl::Duration patience_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_LOOP_RUNNER_H_
