#include "service/pipeline/current_runtime.h"

#include <cassert>
#include <utility>

namespace gateway {

CurrentRuntime::CurrentRuntime(std::shared_ptr<const RuntimeSnapshot> first)
    : runtime_(std::move(first)) {}

std::shared_ptr<const RuntimeSnapshot> CurrentRuntime::Get() const {
  MutexLock lock(mu_);
  return runtime_;
}

void CurrentRuntime::Swap(std::shared_ptr<const RuntimeSnapshot> next) {
  assert(next != nullptr);
  next->PutIntoUse();
  {
    MutexLock lock(mu_);
    runtime_.swap(next);
  }
  version_.fetch_add(1, std::memory_order_release);
}

}  // namespace gateway
