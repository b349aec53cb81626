// A WaitList is the coroutines, on whatever loops, that wait for a change of
// something with a lock. Each is woken on its own loop.
//
//   auto waiter = std::make_shared<LoopWaiter>(loop);
//   CancelListener on_cancel(cancel, [&w = *waiter] { w.wake_up.Set(); });
//   {
//     MutexLock lock(mu_);
//     if (changed_) co_return ...;
//     waiting_.Add(waiter);
//   }
//   co_await waiter->wake_up.Wait();
//   MutexLock lock(mu_);
//   waiting_.Remove(waiter);
//
// Who waits removes itself before its loop can end: the list posts to none but
// loops of those that it holds.
//
// Thread-compatible: guarded by the lock of its owner. LoopWaiter::wake_up is
// for its loop.

#ifndef SERVICE_CACHE_WAIT_LIST_H_
#define SERVICE_CACHE_WAIT_LIST_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/async/event_loop.h"

namespace gateway {

struct LoopWaiter {
  explicit LoopWaiter(EventLoop& its_loop) : loop(its_loop) {}

  EventLoop& loop;
  WakeUp wake_up;
};

class WaitList {
 public:
  void Add(std::shared_ptr<LoopWaiter> waiter) {
    waiters_.push_back(std::move(waiter));
  }

  // Does nothing if it is not there any more.
  void Remove(const std::shared_ptr<LoopWaiter>& waiter) {
    const auto found = std::find(waiters_.begin(), waiters_.end(), waiter);
    if (found != waiters_.end()) waiters_.erase(found);
  }

  // Wakes all, who are then not in the list any more. May be called on any
  // thread.
  void WakeAll() {
    for (std::shared_ptr<LoopWaiter>& waiter : waiters_) {
      EventLoop& loop = waiter->loop;
      // Who has gone meanwhile is not there to be resumed; the rest of it is.
      loop.Post([waiter = std::move(waiter)] { waiter->wake_up.Set(); });
    }
    waiters_.clear();
  }

  size_t size() const { return waiters_.size(); }

 private:
  std::vector<std::shared_ptr<LoopWaiter>> waiters_;
};

}  // namespace gateway

#endif  // SERVICE_CACHE_WAIT_LIST_H_
