// ProviderProbes is what health probes have found out of a provider: whether it
// answers at all, whichever model is asked for.
//
//   probes.RecordFailure(clock.WallTime());
//   if (probes.failing()) ...  // Routing prefers other providers.
//
// Thread-safe; written by the prober (service/pipeline/health_prober.h) alone.

#ifndef SERVICE_RESILIENCE_PROVIDER_PROBES_H_
#define SERVICE_RESILIENCE_PROVIDER_PROBES_H_

#include <atomic>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace gateway {

class ProviderProbes {
 public:
  // One that fails may be chance.
  static constexpr int kFailuresToAvoid = 2;

  struct Snapshot {
    int64_t probes = 0;
    int64_t failures = 0;
    int failures_in_a_row = 0;
    // Unset if none has ended so, or since the provider is not probed any more.
    std::optional<absl::Time> last_success;
    std::optional<absl::Time> last_failure;
  };

  // Whether calls had better go to another provider.
  bool failing() const {
    return failures_in_a_row_.load(std::memory_order_relaxed) >=
           kFailuresToAvoid;
  }

  void RecordSuccess(absl::Time now) {
    probes_.fetch_add(1, std::memory_order_relaxed);
    failures_in_a_row_.store(0, std::memory_order_relaxed);
    last_success_nanos_.store(absl::ToUnixNanos(now),
                              std::memory_order_relaxed);
  }
  void RecordFailure(absl::Time now) {
    probes_.fetch_add(1, std::memory_order_relaxed);
    failures_.fetch_add(1, std::memory_order_relaxed);
    failures_in_a_row_.fetch_add(1, std::memory_order_relaxed);
    last_failure_nanos_.store(absl::ToUnixNanos(now),
                              std::memory_order_relaxed);
  }
  // Forgets how they went: the provider is not probed any more.
  void Forget() {
    failures_in_a_row_.store(0, std::memory_order_relaxed);
    last_success_nanos_.store(0, std::memory_order_relaxed);
    last_failure_nanos_.store(0, std::memory_order_relaxed);
  }

  Snapshot Read() const {
    const auto time_of = [](int64_t nanos) {
      return nanos == 0 ? std::optional<absl::Time>()
                        : absl::FromUnixNanos(nanos);
    };
    return {
        .probes = probes_.load(std::memory_order_relaxed),
        .failures = failures_.load(std::memory_order_relaxed),
        .failures_in_a_row = failures_in_a_row_.load(std::memory_order_relaxed),
        .last_success =
            time_of(last_success_nanos_.load(std::memory_order_relaxed)),
        .last_failure =
            time_of(last_failure_nanos_.load(std::memory_order_relaxed))};
  }

 private:
  std::atomic<int64_t> probes_ = 0;
  std::atomic<int64_t> failures_ = 0;
  std::atomic<int> failures_in_a_row_ = 0;
  std::atomic<int64_t> last_success_nanos_ = 0;  // Since 1970; 0 for none.
  std::atomic<int64_t> last_failure_nanos_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_PROVIDER_PROBES_H_
