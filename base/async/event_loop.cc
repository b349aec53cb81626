#include "base/async/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/clock.h"

namespace gateway {
namespace {

// Blocks that a loop keeps for reuse: enough for a busy turn; more would only
// hold memory.
constexpr size_t kKeptBlocksMax = 32;

thread_local EventLoop* current_loop = nullptr;

class MachineWaiting final : public LoopWaiting {
 public:
  absl::Duration SteadyTime() override { return SystemClock().SteadyTime(); }
  int Wait(int epoll_fd, epoll_event* events, int events_limit,
           int timeout_ms) override {
    return epoll_wait(epoll_fd, events, events_limit, timeout_ms);
  }
};

}  // namespace

LoopWaiting& SystemWaiting() {
  // Never destroyed, since loops may run while the process exits.
  static LoopWaiting& waiting = *new MachineWaiting;
  return waiting;
}

void TurnEndTask::Unlink() {
  if (in_ == nullptr) return;
  *in_ = next_;
  if (next_ != nullptr) next_->in_ = in_;
  in_ = nullptr;
  next_ = nullptr;
}

absl::StatusOr<std::unique_ptr<EventLoop>> EventLoop::Create(
    LoopWaiting& waiting) {
  const int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return absl::ErrnoToStatus(errno, "epoll_create1");
  const int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd < 0) {
    const int error = errno;
    close(epoll_fd);
    return absl::ErrnoToStatus(error, "eventfd");
  }
  epoll_event event{};
  event.events = EPOLLIN;  // Level-triggered: a wake-up is never lost.
  event.data.ptr = nullptr;
  if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, wake_fd, &event) != 0) {
    const int error = errno;
    close(wake_fd);
    close(epoll_fd);
    return absl::ErrnoToStatus(error, "epoll_ctl(eventfd)");
  }
  return std::unique_ptr<EventLoop>(new EventLoop(epoll_fd, wake_fd, waiting));
}

EventLoop::EventLoop(int epoll_fd, int wake_fd, LoopWaiting& waiting)
    : epoll_fd_(epoll_fd),
      wake_fd_(wake_fd),
      waiting_(waiting),
      now_(waiting.SteadyTime()),
      timers_(now_),
      blocks_(kKeptBlocksMax) {}

EventLoop::~EventLoop() {
  close(wake_fd_);
  close(epoll_fd_);
}

EventLoop* EventLoop::Current() { return current_loop; }

void EventLoop::Run() {
  assert(current_loop == nullptr);
  current_loop = this;
  running_ = true;
  now_ = waiting_.SteadyTime();
  while (!stopping_.load(std::memory_order_acquire)) {
    WaitForEvents();
    ++turn_;
    now_ = waiting_.SteadyTime();
    DispatchEvents();
    timers_.Advance(now_);
    RunPosted();
    ResumeReady();
    if (turn_end_ == nullptr) continue;
    deferred_ = !deferred_ && events_found_ >= kManyEvents;
    if (!deferred_) RunTurnEnd();
  }
  RunPosted();
  ResumeReady();
  RunTurnEnd();
  stopping_.store(false, std::memory_order_relaxed);
  running_ = false;
  current_loop = nullptr;
}

void EventLoop::Stop() {
  stopping_.store(true, std::memory_order_release);
  eventfd_write(wake_fd_, 1);
}

void EventLoop::Post(std::function<void()> work) {
  bool first;
  {
    MutexLock lock(mu_);
    first = posted_.empty();
    posted_.push_back(std::move(work));
    has_posted_.store(true, std::memory_order_release);
  }
  if (first) eventfd_write(wake_fd_, 1);
}

void EventLoop::Resume(std::coroutine_handle<> handle) {
  ready_.push_back(handle);
}

void EventLoop::RunAtTurnEnd(TurnEndTask& task) {
  if (task.in_ != nullptr) return;
  task.next_ = turn_end_;
  if (turn_end_ != nullptr) turn_end_->in_ = &task.next_;
  task.in_ = &turn_end_;
  turn_end_ = &task;
}

absl::Status EventLoop::Watch(int fd, IoWatcher* watcher) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = watcher;
  if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("epoll_ctl(", fd, ")"));
  }
  return absl::OkStatus();
}

void EventLoop::Unwatch(int fd, IoWatcher* watcher) {
  epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, nullptr);
  for (int i = events_next_; i < events_count_; ++i) {
    if (events_[i].data.ptr == watcher) events_[i].events = 0;
  }
}

void EventLoop::WaitForEvents() {
  const int count = waiting_.Wait(epoll_fd_, events_, kEventsPerTurn, WaitMs());
  // Negative for EINTR, which counts as a turn without events.
  events_count_ = std::max(count, 0);
  events_found_ = events_count_;
}

void EventLoop::DispatchEvents() {
  for (events_next_ = 0; events_next_ < events_count_;) {
    const epoll_event& event = events_[events_next_++];
    // The descriptor was unwatched earlier in this turn.
    if (event.events == 0) continue;
    if (event.data.ptr == nullptr) {
      eventfd_t wakes;
      eventfd_read(wake_fd_, &wakes);
      continue;
    }
    static_cast<IoWatcher*>(event.data.ptr)->OnIo(event.events);
  }
  events_count_ = 0;
}

void EventLoop::RunPosted() {
  if (!has_posted_.load(std::memory_order_acquire)) return;
  {
    MutexLock lock(mu_);
    running_posted_.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);
  }
  for (std::function<void()>& work : running_posted_) work();
  running_posted_.clear();
}

void EventLoop::ResumeReady() {
  // The list is swapped out first, so that what becomes ready meanwhile waits
  // for the next turn.
  resuming_.swap(ready_);
  for (std::coroutine_handle<> handle : resuming_) handle.resume();
  resuming_.clear();
}

void EventLoop::RunTurnEnd() {
  // The list leaves the loop first, so that a task that asks again waits for
  // the next turn.
  TurnEndTask* first = std::exchange(turn_end_, nullptr);
  if (first != nullptr) first->in_ = &first;
  while (first != nullptr) {
    TurnEndTask* const task = first;
    task->Unlink();
    task->OnTurnEnd();  // May destroy any of the tasks.
  }
}

int EventLoop::WaitMs() const {
  if (!ready_.empty() || turn_end_ != nullptr) return 0;
  const std::optional<absl::Duration> next = timers_.NextWork();
  if (!next.has_value()) return -1;
  const absl::Duration wait =
      absl::Ceil(*next - waiting_.SteadyTime(), absl::Milliseconds(1));
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(wait), 0, INT32_MAX));
}

}  // namespace gateway
