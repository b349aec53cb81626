// EventLoop runs everything that happens to one share of the connections: it
// waits for sockets, timers and work posted from elsewhere, and calls whoever
// waits for them. There is one loop per thread and no lock between two things
// on the same loop.
//
//   absl::StatusOr<std::unique_ptr<EventLoop>> loop = EventLoop::Create();
//   (*loop)->Post([] { Spawn(Serve()); });
//   (*loop)->Run();  // Until Stop().
//
// Sockets are watched edge-triggered, once, for their whole life; what is
// readable or writable is remembered by the watcher (base/net/stream.h).
//
// Thread contract: Post and Stop from any thread; everything else only on the
// thread in Run, or before Run.

#ifndef BASE_ASYNC_EVENT_LOOP_H_
#define BASE_ASYNC_EVENT_LOOP_H_

#include <sys/epoll.h>

#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/timer_wheel.h"
#include "base/memory/block_pool.h"
#include "base/memory/byte_budget.h"
#include "base/os/mutex.h"

namespace gateway {

// Is told what has become possible on a file descriptor.
class IoWatcher {
 public:
  virtual void OnIo(uint32_t epoll_events) = 0;

 protected:
  ~IoWatcher() = default;
};

// Something to be done once after all that is ready now has been dealt with:
// such as writing what has been said on one connection with one system call. A
// task that is destroyed is done no more.
class TurnEndTask {
 public:
  TurnEndTask(const TurnEndTask&) = delete;
  TurnEndTask& operator=(const TurnEndTask&) = delete;

  // Called once, at the end of the turn. REQUIRES: on the loop that
  // RunAtTurnEnd was called on.
  virtual void OnTurnEnd() = 0;

 protected:
  TurnEndTask() = default;
  virtual ~TurnEndTask() { Unlink(); }

 private:
  friend class EventLoop;
  void Unlink();

  // The pointer that leads to this task; null when in no list.
  TurnEndTask** in_ = nullptr;
  TurnEndTask* next_ = nullptr;
};

// How a loop waits: for sockets, and for time to pass. It is asked a few times
// in each turn. A test gives a loop one whose time passes when nothing else is
// left to do (tests/testing/simulated_time.h).
class LoopWaiting {
 public:
  virtual ~LoopWaiting() = default;

  // As of Clock.
  virtual absl::Duration SteadyTime() = 0;

  // As epoll_wait does: returns how many events have come within `timeout_ms`,
  // or at all if that is negative; a negative number means none.
  virtual int Wait(int epoll_fd, epoll_event* events, int events_limit,
                   int timeout_ms) = 0;
};

// The machine's, which lives until the process ends.
LoopWaiting& SystemWaiting();

class EventLoop {
 public:
  // Borrows `waiting`.
  static absl::StatusOr<std::unique_ptr<EventLoop>> Create(
      LoopWaiting& waiting = SystemWaiting());
  ~EventLoop();

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // The loop that runs on this thread, or null.
  static EventLoop* Current();

  // Runs until Stop. What has been posted by then has run.
  void Run();

  // Ends Run after the current turn. May be called from any thread.
  void Stop();

  // Runs `work` on the loop soon. May be called from any thread.
  void Post(std::function<void()> work);

  // Resumes `handle` after what runs now, before waiting again.
  void Resume(std::coroutine_handle<> handle);

  // Calls `task` at the end of this turn, before the loop waits, or of the next
  // if this one found so many sockets ready that more may be by now; once,
  // however often it was asked for. A task that asks while the tasks are being
  // done is called after the next turn, which then does not wait.
  void RunAtTurnEnd(TurnEndTask& task);

  // Steady time as of the start of this turn of the loop: good enough for
  // timeouts, and free. Outside Run, the time now.
  absl::Duration Now() const {
    return running_ ? now_ : waiting_.SteadyTime();
  }

  // Counts the turns, so that code which may use a share of each turn knows
  // when a new one has begun.
  uint64_t turn() const { return turn_; }

  // Watches `fd` for input, output and hang-up. `watcher` must be unwatched
  // before it is destroyed.
  absl::Status Watch(int fd, IoWatcher* watcher);

  // Stops watching: no call reaches `watcher` after this, not even for an event
  // of this turn.
  void Unwatch(int fd, IoWatcher* watcher);

  TimerWheel& timers() { return timers_; }

  // Fires `timer` after `delay`, which replaces the time it had.
  void ArmTimer(Timer& timer, absl::Duration delay) {
    timers_.Arm(timer, Now() + delay);
  }

  // Lends the memory that sockets are read into.
  BlockPool& blocks() { return blocks_; }

  // Bound what the loop holds beside the blocks: what requests of callers take
  // until they are answered, and what whole answers of providers take. All
  // servers and clients of the loop share the two.
  ByteBudget& request_bytes() { return request_bytes_; }
  ByteBudget& answer_bytes() { return answer_bytes_; }
  static constexpr size_t kRequestBytesLimit = 256 * 1024 * 1024;
  static constexpr size_t kAnswerBytesLimit = 512 * 1024 * 1024;

 private:
  static constexpr int kEventsPerTurn = 256;
  // After a turn with at least so many events, the turn-end tasks wait for what
  // the next turn adds to their output. After a turn with fewer, looking again
  // at once would find about one more event, read a few bytes, and cost more
  // than the saved write; writing first lets input gather.
  static constexpr int kManyEvents = 3;

  EventLoop(int epoll_fd, int wake_fd, LoopWaiting& waiting);

  void WaitForEvents();
  void DispatchEvents();
  void RunPosted();
  void ResumeReady();
  void RunTurnEnd();
  int WaitMs() const;

  // Constant after construction.
  const int epoll_fd_;
  const int wake_fd_;
  LoopWaiting& waiting_;

  // Used on the loop's thread only.
  absl::Duration now_;
  uint64_t turn_ = 0;
  bool running_ = false;
  TimerWheel timers_;
  BlockPool blocks_;
  ByteBudget request_bytes_{kRequestBytesLimit};
  ByteBudget answer_bytes_{kAnswerBytesLimit};
  std::vector<std::coroutine_handle<>> ready_;
  std::vector<std::coroutine_handle<>> resuming_;
  std::vector<std::function<void()>> running_posted_;
  TurnEndTask* turn_end_ = nullptr;
  bool deferred_ = false;  // Turn-end tasks of the last turn still wait.
  int events_found_ = 0;   // Number of events of this turn.
  epoll_event events_[kEventsPerTurn];
  int events_count_ = 0;
  int events_next_ = 0;

  // Used from any thread.
  std::atomic<bool> stopping_ = false;
  Mutex mu_;
  std::vector<std::function<void()>> posted_ GUARDED_BY(mu_);
  std::atomic<bool> has_posted_ = false;
};

// Suspends the calling coroutine until the next turn of its loop, so that
// others get their share.
struct YieldToLoop {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) const {
    EventLoop::Current()->Resume(handle);
  }
  void await_resume() const noexcept {}
};

// Wakes one coroutine on one event. A Set before the Wait is kept; several
// count once.
class WakeUp {
 public:
  void Set() {
    set_ = true;
    if (waiter_) EventLoop::Current()->Resume(std::exchange(waiter_, nullptr));
  }

  // Suspends until Set, or not at all if it came before. REQUIRES: no other
  // coroutine waits.
  auto Wait() {
    struct Awaiter {
      WakeUp* event;
      bool await_ready() const noexcept { return event->set_; }
      void await_suspend(std::coroutine_handle<> handle) const noexcept {
        event->waiter_ = handle;
      }
      void await_resume() const noexcept { event->set_ = false; }
    };
    return Awaiter{this};
  }

 private:
  bool set_ = false;
  std::coroutine_handle<> waiter_;
};

}  // namespace gateway

#endif  // BASE_ASYNC_EVENT_LOOP_H_
