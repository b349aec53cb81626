// CurrentWiring is the wiring in use, swapped whole by a reload. Each event
// loop looks at it through a LoopWiring, which takes the lock only after a
// swap.
//
//   CurrentWiring current(first);
//   LoopWiring wiring(current);               // One for each loop.
//   Call call(wiring.Get(), ...);
//
// Thread contract: CurrentWiring is thread-safe; a LoopWiring is for one
// thread.

#ifndef SERVICE_PIPELINE_CURRENT_WIRING_H_
#define SERVICE_PIPELINE_CURRENT_WIRING_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/os/mutex.h"
#include "service/pipeline/wiring.h"

namespace gateway {

class CurrentWiring {
 public:
  // REQUIRES: `first` is not null.
  explicit CurrentWiring(std::shared_ptr<const Wiring> first);

  std::shared_ptr<const Wiring> Get() const LOCKS_EXCLUDED(mu_);

  // Puts `next` into use. Calls under way keep the one they began with.
  void Swap(std::shared_ptr<const Wiring> next) LOCKS_EXCLUDED(mu_);

  // Grows with every swap.
  uint64_t version() const {
    return version_.load(std::memory_order_acquire);
  }

 private:
  mutable Mutex mu_;
  std::shared_ptr<const Wiring> wiring_ GUARDED_BY(mu_);
  std::atomic<uint64_t> version_ = 1;
};

class LoopWiring {
 public:
  explicit LoopWiring(const CurrentWiring& current) : current_(current) {}

  const std::shared_ptr<const Wiring>& Get() {
    const uint64_t version = current_.version();
    if (version != version_) {
      wiring_ = current_.Get();
      version_ = version;
    }
    return wiring_;
  }

 private:
  const CurrentWiring& current_;
  uint64_t version_ = 0;
  std::shared_ptr<const Wiring> wiring_;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CURRENT_WIRING_H_
