// Event is waited for by a test while other threads make it happen.
//
//   Event cancelled;
//   loop.Post([&] { ...; cancelled.Set(); });
//   ASSERT_TRUE(cancelled.Wait());
//
// Thread-safe.

#ifndef TESTS_TESTING_EVENT_H_
#define TESTS_TESTING_EVENT_H_

#include "absl/time/time.h"
#include "base/os/mutex.h"

namespace gateway {

class Event {
 public:
  void Set() {
    MutexLock lock(mu_);
    set_ = true;
    changed_.NotifyAll();
  }

  // False if it has not happened in a time that is ample for anything.
  [[nodiscard]] bool Wait() {
    MutexLock lock(mu_);
    while (!set_) {
      if (!changed_.WaitFor(lock, absl::Seconds(20))) return set_;
    }
    return true;
  }

  bool IsSet() {
    MutexLock lock(mu_);
    return set_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  bool set_ GUARDED_BY(mu_) = false;
};

}  // namespace gateway

#endif  // TESTS_TESTING_EVENT_H_
