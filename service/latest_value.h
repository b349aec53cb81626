// LatestValue holds the newest of values that take each other's place while the
// gateway runs, such as a password that its file has another of after a reload.
// Who needs it takes a copy each time that he begins something:
//
//   auto password = std::make_shared<LatestValue<Secret>>(first);
//   PostgresDatabase database = {
//       .password = [password] { return password->Get(); }};
//   ...
//   password->Set(next);  // For sessions that begin from now on.
//
// Thread-safe. The lock is held for a copy: not for what each call needs.

#ifndef SERVICE_LATEST_VALUE_H_
#define SERVICE_LATEST_VALUE_H_

#include <utility>

#include "base/os/mutex.h"

namespace gateway {

template <typename Value>
class LatestValue {
 public:
  explicit LatestValue(Value first) : value_(std::move(first)) {}

  LatestValue(const LatestValue&) = delete;
  LatestValue& operator=(const LatestValue&) = delete;

  Value Get() const LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    return value_;
  }

  // The value before is destroyed once the lock is free.
  void Set(Value next) LOCKS_EXCLUDED(mu_) {
    MutexLock lock(mu_);
    std::swap(value_, next);
  }

 private:
  mutable Mutex mu_;
  Value value_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_LATEST_VALUE_H_
