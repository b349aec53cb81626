#include "service/pipeline/current_wiring.h"

#include <cassert>
#include <utility>

namespace gateway {

CurrentWiring::CurrentWiring(std::shared_ptr<const Wiring> first)
    : wiring_(std::move(first)) {}

std::shared_ptr<const Wiring> CurrentWiring::Get() const {
  MutexLock lock(mu_);
  return wiring_;
}

void CurrentWiring::Swap(std::shared_ptr<const Wiring> next) {
  assert(next != nullptr);
  {
    MutexLock lock(mu_);
    wiring_.swap(next);
  }
  version_.fetch_add(1, std::memory_order_release);
}

}  // namespace gateway
