// Latch lets one thread wait for another to get somewhere.
//
//   Latch ready;
//   loop.Post([&] { ...; ready.Open(); });
//   ready.Wait();
//
// Never wait on an event loop's own thread.
//
// Thread-safe.

#ifndef BASE_ASYNC_LATCH_H_
#define BASE_ASYNC_LATCH_H_

#include "absl/time/time.h"
#include "base/os/mutex.h"

namespace gateway {

class Latch {
 public:
  // Opens when Open has been called `count` times.
  explicit Latch(int count = 1) : closed_(count) {}

  Latch(const Latch&) = delete;
  Latch& operator=(const Latch&) = delete;

  void Open() LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    // Notified under the lock, since a waiting thread may destroy this as soon
    // as it wakes.
    if (--closed_ <= 0) opened_.NotifyAll();
  }

  void Wait() LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (closed_ > 0) opened_.Wait(lock);
  }

  // Waits at most `timeout`; returns false if the latch was not open by then.
  bool WaitFor(absl::Duration timeout) LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    while (closed_ > 0) {
      if (!opened_.WaitFor(lock, timeout)) return closed_ <= 0;
    }
    return true;
  }

 private:
  Mutex mu_;
  CondVar opened_;
  int closed_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // BASE_ASYNC_LATCH_H_
