#include "service/overload/overload_control.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ConcurrencyConfig;
using ::llmgateway::config::v1::MemoryConfig;
using ::llmgateway::config::v1::OverloadConfig;

ConcurrencyLimit::Options CallsOf(const OverloadConfig& config) {
  ConcurrencyLimit::Options options;
  // Those that matter least wait while memory is short, also where the number
  // of calls is not limited.
  if (!config.has_concurrency()) return options;
  const ConcurrencyConfig& concurrency = config.concurrency();
  options.limit = concurrency.calls_limit();
  options.queue.waiting_limit =
      static_cast<size_t>(concurrency.waiting_limit());
  options.queue.wait_limit = ToAbsl(concurrency.wait_timeout());
  options.queue.overload_time = ToAbsl(concurrency.overload_time());
  // Who may wait for no time does not wait.
  if (options.queue.wait_limit <= absl::ZeroDuration()) {
    options.queue.waiting_limit = 0;
  }
  return options;
}

MemoryGate::Options MemoryOf(const OverloadConfig& config) {
  MemoryGate::Options options = {.is_watched = config.has_memory()};
  if (!config.has_memory()) return options;
  const MemoryConfig& memory = config.memory();
  options.size_bytes_limit = memory.size_bytes_limit();
  options.soft_ratio = memory.soft_percent() / 100.0;
  options.cgroup_root = memory.cgroup_root();
  return options;
}

}  // namespace

OverloadControl::OverloadControl(Clock& clock, const OverloadConfig& config)
    : memory_(MemoryOf(config)), calls_(clock, CallsOf(config)) {
  Apply(config);
}

void OverloadControl::Apply(const OverloadConfig& config) {
  calls_.SetOptions(CallsOf(config));
  memory_.SetOptions(MemoryOf(config));
  SampleMemory();
}

Task<absl::StatusOr<OverloadControl::Permit>> OverloadControl::Enter(
    EventLoop& loop, CancelSignal& cancel, Asker asker) {
  GATEWAY_CO_RETURN_IF_ERROR(CheckMemory(asker.priority));
  GATEWAY_CO_ASSIGN_OR_RETURN(Permit permit,
                              co_await calls_.Acquire(loop, cancel, asker));
  // Who waited may have got its place as memory ran out.
  GATEWAY_CO_RETURN_IF_ERROR(CheckMemory(asker.priority));
  co_return std::move(permit);
}

absl::Status OverloadControl::CheckMemory(CallerPriority priority) {
  return memory_.pressure() == MemoryPressure::kCritical
             ? RefuseForMemory(priority)
             : absl::OkStatus();
}

absl::Status OverloadControl::RefuseForMemory(CallerPriority priority) {
  refused_by_memory_[static_cast<size_t>(priority)].fetch_add(
      1, std::memory_order_relaxed);
  return memory_.Refusal();
}

bool OverloadControl::SampleMemory() {
  const bool changed = memory_.Sample();
  calls_.ServeDownTo(memory_.pressure() == MemoryPressure::kNormal
                         ? CallerPriority::kLow
                         : CallerPriority::kNormal);
  // Each time, since one may have come to wait as the pressure rose.
  if (memory_.pressure() == MemoryPressure::kCritical) {
    calls_.TurnAwayAll(memory_.Refusal());
  }
  return changed;
}

bool LimitsAnything(const OverloadConfig& config) {
  return config.has_concurrency() || config.has_memory();
}

}  // namespace gateway
