// Readiness is whether the gateway takes calls: not yet, yes, or not any more.
// Whoever shows it to the outside reads it here, so that all say the same.
//
//   Readiness readiness(SystemClock());
//   readiness.SetReady();  // Once the listeners are open.
//   readiness.SetDraining();  // For good.
//
// Thread-safe.

#ifndef SERVICE_API_READINESS_H_
#define SERVICE_API_READINESS_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/os/clock.h"

namespace gateway {

class Readiness {
 public:
  enum class State { kStarting, kServing, kDraining };

  // Borrows `clock`.
  explicit Readiness(Clock& clock) : clock_(clock) {}

  // Begins to serve. Does nothing unless the gateway was starting.
  void SetReady() {
    if (state() != State::kStarting) return;
    serving_since_nanos_.store(absl::ToUnixNanos(clock_.WallTime()));
    State expected = State::kStarting;
    state_.compare_exchange_strong(expected, State::kServing);
  }

  void SetDraining() { state_.store(State::kDraining); }

  State state() const { return state_.load(); }

  // Returns since when the gateway has served; nothing while it starts.
  std::optional<absl::Time> serving_since() const {
    const int64_t nanos = serving_since_nanos_.load();
    if (nanos == 0) return std::nullopt;
    return absl::FromUnixNanos(nanos);
  }

 private:
  Clock& clock_;
  std::atomic<State> state_ = State::kStarting;
  std::atomic<int64_t> serving_since_nanos_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_API_READINESS_H_
