#include "service/pipeline/overload_watch.h"

#include <cstddef>
#include <memory>

#include "base/async/sleep.h"
#include "base/os/logging.h"
#include "proto/proto_time.h"
#include "service/overload/memory_gate.h"
#include "service/overload/overload_control.h"
#include "service/pipeline/kept_memory.h"

namespace gateway {
namespace {

void TellPressure(const MemoryGate& memory) {
  const MemoryPressure pressure = memory.pressure();
  Log(pressure == MemoryPressure::kNormal ? LogLevel::kInfo : LogLevel::kWarn,
      "overload", "memory pressure",
      {{"pressure", MemoryPressureName(pressure)},
       {"resident_bytes", memory.resident_bytes()},
       {"percent_of_limit", static_cast<int64_t>(memory.fill() * 100)}});
}

}  // namespace

Task<void> OverloadWatch::Run(EventLoop& loop) {
  while (!stop_.cancelled()) {
    std::shared_ptr<const RuntimeSnapshot> runtime = current_.Get();
    if (loop.Now() >= next_sweep_) {
      next_sweep_ = loop.Now() + kSweepInterval;
      co_await FreeExpired(*runtime, responses_, stop_);
    }
    const absl::Duration wait = Look(*runtime);
    runtime = nullptr;
    (co_await Sleep(loop, wait, stop_)).IgnoreError();
  }
  ended_.Open();
}

void OverloadWatch::Stop(EventLoop& loop) {
  loop.Post([this] { StopOnLoop(); });
  ended_.Wait();
}

void OverloadWatch::StopOnLoop() {
  stop_.Cancel(absl::CancelledError("the gateway is shutting down"));
}

absl::Duration OverloadWatch::Look(const RuntimeSnapshot& runtime) {
  OverloadControl* const overload = runtime.overload();
  if (overload == nullptr) return kIdleInterval;
  LookAtWaiting(runtime);
  if (overload->SampleMemory()) TellPressure(overload->memory());
  if (overload->memory().pressure() == MemoryPressure::kCritical) {
    FreeForWantOfMemory(runtime);
  }
  const auto& config = runtime.config().overload();
  return config.has_memory() ? ToAbsl(config.memory().interval())
                             : kIdleInterval;
}

void OverloadWatch::LookAtWaiting(const RuntimeSnapshot& runtime) {
  const auto& config = runtime.config().overload();
  if (!config.has_concurrency()) return;
  const ConcurrencyLimit::Snapshot calls = runtime.overload()->calls().Read();
  size_t waiting = 0;
  for (const size_t each : calls.waiting) waiting += each;
  const bool many_wait =
      waiting >= static_cast<size_t>(config.concurrency().waiting_warning());
  if (many_wait == many_wait_) return;
  many_wait_ = many_wait;
  Log(many_wait ? LogLevel::kWarn : LogLevel::kInfo, "overload",
      many_wait ? "many calls wait for a place"
                : "no longer many calls wait for a place",
      {{"waiting", waiting},
       {"active", calls.active},
       {"calls_limit", calls.limit}});
}

}  // namespace gateway
