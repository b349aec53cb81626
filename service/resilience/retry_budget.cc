#include "service/resilience/retry_budget.h"

#include <algorithm>
#include <cassert>

namespace gateway {

std::optional<RetryBudget::Permit> RetryBudget::TryAcquire(Purpose purpose) {
  const int64_t active = ActiveCalls();
  int64_t in_flight = in_flight_.load(std::memory_order_relaxed);
  do {
    if (in_flight >= Limit(active, in_flight)) {
      refused_[static_cast<size_t>(purpose)].fetch_add(
          1, std::memory_order_relaxed);
      return std::nullopt;
    }
  } while (!in_flight_.compare_exchange_weak(in_flight, in_flight + 1,
                                             std::memory_order_relaxed));
  return Permit(&in_flight_);
}

void RetryBudget::SetOptions(const Options& options) {
  assert(options.min_concurrency >= 0);
  assert(options.percent >= 0 && options.percent <= 100);
  min_concurrency_.store(options.min_concurrency, std::memory_order_relaxed);
  percent_.store(options.percent, std::memory_order_relaxed);
}

RetryBudget::Snapshot RetryBudget::Read() const {
  const int64_t active = ActiveCalls();
  const int64_t in_flight = in_flight_.load(std::memory_order_relaxed);
  Snapshot snapshot = {.active_calls = active,
                       .in_flight = in_flight,
                       .limit = Limit(active, in_flight)};
  for (size_t i = 0; i < kPurposes; ++i) {
    snapshot.refused_by_purpose[i] =
        refused_[i].load(std::memory_order_relaxed);
    snapshot.refused += snapshot.refused_by_purpose[i];
  }
  return snapshot;
}

int64_t RetryBudget::ActiveCalls() const {
  int64_t active = 0;
  for (const Shard& shard : active_) {
    active += shard.count.load(std::memory_order_relaxed);
  }
  return active;
}

int64_t RetryBudget::Limit(int64_t active_calls, int64_t in_flight) const {
  return std::max<int64_t>(min_concurrency_.load(std::memory_order_relaxed),
                           (active_calls - in_flight) *
                               percent_.load(std::memory_order_relaxed) / 100);
}

std::string_view RetryPurposeName(RetryBudget::Purpose purpose) {
  switch (purpose) {
    case RetryBudget::Purpose::kRetry:
      return "retry";
    case RetryBudget::Purpose::kFallback:
      return "fallback";
    case RetryBudget::Purpose::kHedge:
      return "hedge";
  }
  return "";
}

}  // namespace gateway
