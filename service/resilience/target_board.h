// TargetBoard holds what all loops know together of each target, a model of a
// provider: its circuit breaker, how long its answers take to begin, and how
// many attempts are under way there.
//
//   TargetBoard board(options);
//   TargetState& target = board.Find("openai", "gpt-5-mini");
//   auto permit = target.breaker.TryAcquire(loop.Now());
//
// A target is known from the first time that it is looked for, and outlives
// the configurations that name it. Callers may name any model, so there is a
// limit: what comes after the first kTargetsMax targets shares one state for
// each provider.
//
// Thread-safe. To find a target that is known takes no lock and allocates
// nothing.

#ifndef SERVICE_RESILIENCE_TARGET_BOARD_H_
#define SERVICE_RESILIENCE_TARGET_BOARD_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/latency_window.h"

namespace gateway {

// How the breakers of targets are set, by provider.
struct BreakerOptions {
  const CircuitBreaker::Options& Of(std::string_view provider) const {
    const auto special = of_provider.find(provider);
    return special == of_provider.end() ? common : special->second;
  }

  CircuitBreaker::Options common;
  // Of those that have settings of their own.
  std::map<std::string, CircuitBreaker::Options, std::less<>> of_provider = {};
};

// Where it stands it stays, as long as the board.
struct TargetState {
  TargetState(std::string_view provider, std::string_view model,
              const CircuitBreaker::Options& options)
      : provider(provider), model(model), breaker(options), latency({}) {}

  const std::string provider;
  const std::string model;  // Empty: all that have no state of their own.
  CircuitBreaker breaker;
  LatencyWindow latency;
  std::atomic<uint32_t> in_flight = 0;
};

// Counts an attempt as under way at its target while it lives.
class [[nodiscard]] TargetUse {
 public:
  TargetUse() = default;
  explicit TargetUse(TargetState& target) : target_(&target) {
    target.in_flight.fetch_add(1, std::memory_order_relaxed);
  }
  TargetUse(TargetUse&& other) noexcept
      : target_(std::exchange(other.target_, nullptr)) {}
  TargetUse& operator=(TargetUse&& other) noexcept {
    std::swap(target_, other.target_);
    return *this;
  }
  // Keeps how long a stream took to begin there. Steady times.
  void RecordLatency(absl::Duration now, absl::Duration latency) {
    if (target_ != nullptr) target_->latency.Record(now, latency);
  }

  ~TargetUse() {
    if (target_ == nullptr) return;
    target_->in_flight.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  TargetState* target_ = nullptr;
};

class TargetBoard {
 public:
  static constexpr size_t kTargetsMax = 4096;

  explicit TargetBoard(BreakerOptions options);
  TargetBoard(const TargetBoard&) = delete;
  TargetBoard& operator=(const TargetBoard&) = delete;

  // The model is the provider's own name of it.
  TargetState& Find(std::string_view provider, std::string_view model)
      LOCKS_EXCLUDED(mu_);

  // Another configuration's settings, for all targets, there and to come.
  void SetOptions(BreakerOptions options, absl::Duration now)
      LOCKS_EXCLUDED(mu_);

  // All that are known, in the order in which they were first looked for.
  std::vector<TargetState*> All() const LOCKS_EXCLUDED(mu_);

 private:
  // There are always free ones, so that a search ends soon.
  static constexpr size_t kSlots = 2 * kTargetsMax;

  TargetState* FindKnown(std::string_view provider, std::string_view model,
                         size_t* free_slot) const;
  TargetState& Add(std::string_view provider, std::string_view model)
      LOCKS_EXCLUDED(mu_);

  // By hash, with the next free place for those that meet. Written under the
  // lock, and never changed again.
  std::array<std::atomic<TargetState*>, kSlots> slots_ = {};

  mutable Mutex mu_;
  BreakerOptions options_ GUARDED_BY(mu_);
  std::deque<TargetState> targets_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_TARGET_BOARD_H_
