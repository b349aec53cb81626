// CurrentRuntime is the runtime snapshot in use, which is swapped whole under
// running calls when another configuration is loaded. Each event loop looks at
// it through a CachedRuntime, which takes the lock only after a swap.
//
//   CurrentRuntime current(first);
//   CachedRuntime runtime(current);               // One for each loop.
//   Call call(runtime.Get(), ...);
//
// Thread contract: CurrentRuntime is thread-safe; a CachedRuntime is for one
// thread.

#ifndef SERVICE_PIPELINE_CURRENT_RUNTIME_H_
#define SERVICE_PIPELINE_CURRENT_RUNTIME_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/os/mutex.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

class CurrentRuntime {
 public:
  // REQUIRES: `first` is not null.
  explicit CurrentRuntime(std::shared_ptr<const RuntimeSnapshot> first);

  std::shared_ptr<const RuntimeSnapshot> Get() const LOCKS_EXCLUDED(mu_);

  // Puts `next` into use, its rules of resilience too, which hold for all calls
  // from then on. Otherwise calls under way keep the one they began with.
  void Swap(std::shared_ptr<const RuntimeSnapshot> next) LOCKS_EXCLUDED(mu_);

  // Grows with every swap.
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  mutable Mutex mu_;
  std::shared_ptr<const RuntimeSnapshot> runtime_ GUARDED_BY(mu_);
  std::atomic<uint64_t> version_ = 1;
};

class CachedRuntime {
 public:
  explicit CachedRuntime(const CurrentRuntime& current) : current_(current) {}

  const std::shared_ptr<const RuntimeSnapshot>& Get() {
    const uint64_t version = current_.version();
    if (version != version_) {
      runtime_ = current_.Get();
      version_ = version;
    }
    return runtime_;
  }

 private:
  const CurrentRuntime& current_;
  uint64_t version_ = 0;
  std::shared_ptr<const RuntimeSnapshot> runtime_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CURRENT_RUNTIME_H_
