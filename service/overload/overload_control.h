// OverloadControl decides whether a call may begin: whether there is memory for
// it (memory_gate.h), and a place among those that run (concurrency_limit.h).
//
//   std::optional<OverloadControl::Permit> permit =
//   overload.TryEnter(priority); if (!permit.has_value()) {
//     absl::StatusOr<OverloadControl::Permit> entered =
//         co_await overload.Enter(loop, cancel, asker);
//     ...
//   }
//
// Where there is room, TryEnter is all that a call pays: two loads and an
// atomic operation.
//
// It outlives configurations: a later one changes the limits, and those who run
// or wait stay.
//
// Thread-safe; outlives its permits. Enter is for a coroutine of `loop`.

#ifndef SERVICE_OVERLOAD_OVERLOAD_CONTROL_H_
#define SERVICE_OVERLOAD_OVERLOAD_CONTROL_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "llmgateway/config/v1/overload.pb.h"
#include "service/identity/caller.h"
#include "service/overload/concurrency_limit.h"
#include "service/overload/memory_gate.h"

namespace gateway {

class OverloadControl {
 public:
  using Permit = ConcurrencyLimit::Permit;
  using Asker = ConcurrencyLimit::Asker;

  // Borrows `clock`. As Apply. REQUIRES: defaults have been applied, here and
  // below.
  OverloadControl(Clock& clock,
                  const llmgateway::config::v1::OverloadConfig& config);
  OverloadControl(const OverloadControl&) = delete;
  OverloadControl& operator=(const OverloadControl&) = delete;

  // Has the limits be those of `config`. Without a section there is no such
  // limit.
  void Apply(const llmgateway::config::v1::OverloadConfig& config);

  // Returns a permit if the call may begin at once.
  std::optional<Permit> TryEnter(CallerPriority priority) {
    if (memory_.pressure() == MemoryPressure::kCritical) return std::nullopt;
    return calls_.TryAcquire(priority);
  }

  // The same, or waits until it may. OVERLOADED with RetryInfo if that takes
  // too long, or memory does not allow it; else as ConcurrencyLimit::Acquire.
  Task<absl::StatusOr<Permit>> Enter(EventLoop& loop, CancelSignal& cancel,
                                     Asker asker);

  // Returns OK while there is memory; otherwise the fault of RefuseForMemory.
  // For what is no call, but keeps what it is sent.
  absl::Status CheckMemory(CallerPriority priority);

  // Returns the fault of a call of the class for which there is no memory, and
  // counts it.
  absl::Status RefuseForMemory(CallerPriority priority);

  // Looks at the memory, holds calls that matter least back while it is short,
  // and refuses all that wait while there is none. Returns whether the pressure
  // changed.
  bool SampleMemory();

  const MemoryGate& memory() const { return memory_; }
  const ConcurrencyLimit& calls() const { return calls_; }
  // How often RefuseForMemory refused a call of the class. Those that waited,
  // calls() counts: that were held back and got no place in time, and that were
  // turned away.
  int64_t refused_by_memory(CallerPriority priority) const {
    return refused_by_memory_[static_cast<size_t>(priority)].load(
        std::memory_order_relaxed);
  }

 private:
  MemoryGate memory_;
  ConcurrencyLimit calls_;
  std::array<std::atomic<int64_t>, kCallerPriorities> refused_by_memory_ = {};
};

// Returns whether `config` limits anything.
bool LimitsAnything(const llmgateway::config::v1::OverloadConfig& config);

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_OVERLOAD_CONTROL_H_
