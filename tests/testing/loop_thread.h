// LoopThread runs an event loop on a thread of its own, for tests that stand
// beside it.
//
//   LoopThread thread;
//   thread.Run([] { return Answer(); });  // On the loop; waits for its end.
//   thread.loop().Post([] { ... });
//
// Thread contract: one thread makes and destroys it; Run from any but its own.

#ifndef TESTS_TESTING_LOOP_THREAD_H_
#define TESTS_TESTING_LOOP_THREAD_H_

#include <functional>
#include <memory>

#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/thread.h"
#include "tests/testing/event.h"

namespace gateway {

class LoopThread {
 public:
  LoopThread()
      : loop_(*EventLoop::Create()), thread_("loop", [this] { loop_->Run(); }) {
  }
  ~LoopThread() {
    loop_->Stop();
    thread_.Join();
  }

  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  EventLoop& loop() { return *loop_; }

  // Runs `work` on the loop. False if it does not end.
  [[nodiscard]] bool Run(const std::function<void()>& work) {
    const auto done = std::make_shared<Event>();
    loop_->Post([work, done] {
      work();
      done->Set();
    });
    return done->Wait();
  }

  // Runs a task to its end. False if it does not end.
  [[nodiscard]] bool RunTask(const std::function<Task<void>()>& task) {
    const auto done = std::make_shared<Event>();
    loop_->Post([task, done] { Spawn(AndTell(task, done)); });
    return done->Wait();
  }

 private:
  static Task<void> AndTell(std::function<Task<void>()> task,
                            std::shared_ptr<Event> done) {
    co_await task();
    done->Set();
  }

  std::unique_ptr<EventLoop> loop_;
  Thread thread_;
};

}  // namespace gateway

#endif  // TESTS_TESTING_LOOP_THREAD_H_
