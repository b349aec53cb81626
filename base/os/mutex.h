// Locks that clang's thread-safety analysis understands: std::mutex, and the
// words that say which lock guards what.
//
//   class Counter {
//    public:
//     void Add(int n) LOCKS_EXCLUDED(mu_) {
//       MutexLock lock(mu_);
//       sum_ += n;
//       changed_.NotifyAll();
//     }
//
//    private:
//     Mutex mu_;
//     CondVar changed_;
//     int sum_ GUARDED_BY(mu_) = 0;
//   };
//
// Why not absl::Mutex: Debian's build of it is not instrumented, and
// ThreadSanitizer then reports races that are not there.
//
// A loop waits for a condition inside `while (!condition) changed_.Wait(lock)`.

#ifndef BASE_OS_MUTEX_H_
#define BASE_OS_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"  // For GUARDED_BY and the like.
#include "absl/time/time.h"

namespace gateway {

class ABSL_LOCKABLE Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void Lock() ABSL_EXCLUSIVE_LOCK_FUNCTION() { mutex_.lock(); }
  void Unlock() ABSL_UNLOCK_FUNCTION() { mutex_.unlock(); }

  // Takes the lock if it is free. Never waits. Returns true if the lock is held
  // now.
  [[nodiscard]] bool TryLock() ABSL_EXCLUSIVE_TRYLOCK_FUNCTION(true) {
    return mutex_.try_lock();
  }

 private:
  friend class CondVar;

  std::mutex mutex_;
};

// Holds a lock while it lives.
class ABSL_SCOPED_LOCKABLE MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ABSL_EXCLUSIVE_LOCK_FUNCTION(mutex)
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() ABSL_UNLOCK_FUNCTION() { mutex_.Unlock(); }

  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  friend class CondVar;

  Mutex& mutex_;
};

// Lets threads wait for a change of what a lock guards. May wake without one.
class CondVar {
 public:
  CondVar() = default;
  CondVar(const CondVar&) = delete;
  CondVar& operator=(const CondVar&) = delete;

  void Wait(MutexLock& lock) {
    std::unique_lock<std::mutex> held(lock.mutex_.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();
  }

  // Returns false if `timeout` passed first. InfiniteDuration is allowed.
  bool WaitFor(MutexLock& lock, absl::Duration timeout) {
    if (timeout == absl::InfiniteDuration()) {
      Wait(lock);
      return true;
    }
    std::unique_lock<std::mutex> held(lock.mutex_.mutex_, std::adopt_lock);
    const std::cv_status status =
        condition_.wait_for(held, absl::ToChronoNanoseconds(timeout));
    held.release();
    return status == std::cv_status::no_timeout;
  }

  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace gateway

#endif  // BASE_OS_MUTEX_H_
