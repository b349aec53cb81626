// MemorySampler has a MemoryGate look at the memory once a period, for as long
// as it lives, and says when the pressure changes.
//
//   MemorySampler sampler(loop, gate, absl::Milliseconds(250),
//                         [&](MemoryPressure now) { ... });
//
// Thread contract: made, used and destroyed on one event loop, or while that
// does not run.

#ifndef SERVICE_OVERLOAD_MEMORY_SAMPLER_H_
#define SERVICE_OVERLOAD_MEMORY_SAMPLER_H_

#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/timer_wheel.h"
#include "service/overload/memory_gate.h"

namespace gateway {

class MemorySampler {
 public:
  // Borrows `loop` and `gate`.
  MemorySampler(EventLoop& loop, MemoryGate& gate, absl::Duration period,
                std::function<void(MemoryPressure)> on_change)
      : loop_(loop),
        gate_(gate),
        period_(period),
        on_change_(std::move(on_change)),
        timer_([this] { Sample(); }) {
    loop_.ArmTimer(timer_, period_);
  }

  MemorySampler(const MemorySampler&) = delete;
  MemorySampler& operator=(const MemorySampler&) = delete;

 private:
  void Sample() {
    loop_.ArmTimer(timer_, period_);
    if (gate_.Sample()) on_change_(gate_.pressure());
  }

  EventLoop& loop_;
  MemoryGate& gate_;
  const absl::Duration period_;
  const std::function<void(MemoryPressure)> on_change_;
  Timer timer_;
};

}  // namespace gateway

#endif  // SERVICE_OVERLOAD_MEMORY_SAMPLER_H_
