// What a healthy call pays for each decision of service/resilience, in
// nanoseconds, by itself and with other threads at the same object.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/thread.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/latency_window.h"
#include "service/resilience/outlier_ejection.h"
#include "service/resilience/retry_budget.h"
#include "service/resilience/target_board.h"

namespace gateway {
namespace {

constexpr int kRuns = 1'000'000;

// Nanoseconds of each of so many runs.
double Time(const std::function<void(int)>& run) {
  const absl::Duration start = SystemClock().SteadyTime();
  for (int i = 0; i < kRuns; ++i) run(i);
  const absl::Duration taken = SystemClock().SteadyTime() - start;
  return absl::ToDoubleNanoseconds(taken) / kRuns;
}

// Prints the best of a few rounds, since others share the machine: alone, and
// while a second thread does the same all the time.
void Measure(const char* name, const std::function<void(int)>& run) {
  constexpr int kRounds = 7;
  double alone = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    alone = std::min(alone, Time(run));
  }
  std::atomic<bool> ends = false;
  Thread other("other", [&] {
    for (int i = 0; !ends.load(std::memory_order_relaxed); ++i) run(i);
  });
  double shared = 1e18;
  for (int round = 0; round < kRounds; ++round) {
    shared = std::min(shared, Time(run));
  }
  ends = true;
  printf("%-44s %8.1f ns %8.1f ns\n", name, alone, shared);
}

// The time of a loop, which goes on a little with each run.
absl::Duration At(int i) {
  static const auto& times = *[] {
    auto* times = new std::array<absl::Duration, 4096>;
    for (size_t k = 0; k < times->size(); ++k) {
      (*times)[k] = absl::Hours(1) + absl::Microseconds(150) * k;
    }
    return times;
  }();
  return times[static_cast<size_t>(i) % times.size()];
}

void MeasureHealthyCalls() {
  printf("%-44s %11s %11s\n", "", "alone", "two threads");
  Measure("the time, and the call of a function", [](int i) {
    if (At(i) == absl::ZeroDuration()) printf("never\n");
  });
  CircuitBreaker breaker({});
  Measure("circuit breaker: permit and success", [&](int i) {
    const absl::Duration now = At(i);
    std::optional<CircuitBreaker::Permit> permit = breaker.TryAcquire(now);
    if (permit.has_value()) permit->Succeed(now);
  });
  Measure("circuit breaker: permit, given back", [&](int i) {
    const std::optional<CircuitBreaker::Permit> permit =
        breaker.TryAcquire(At(i));
  });
  RetryBudget budget({});
  std::atomic<size_t> threads = 0;
  Measure("retry budget: a call begins and ends", [&](int) {
    thread_local const size_t shard = threads++;
    const RetryBudget::ActiveCall call = budget.StartCall(shard);
  });
  Measure("retry budget: a retry", [&](int) {
    const std::optional<RetryBudget::Permit> permit = budget.TryAcquire();
  });
  OutlierEjection group({});
  const OutlierEjection::Targets targets =
      group.SetTargets({"a", "b", "c"}, absl::Hours(1));
  Measure("outlier ejection: sweep, weight, success", [&](int i) {
    const absl::Duration now = At(i);
    group.Sweep(now);
    if (group.Weight(*targets[0], now) > 0) {
      group.RecordSuccess(*targets[0], now, absl::Milliseconds(300));
    }
  });
  LatencyWindow window({});
  Measure("latency window: record", [&](int i) {
    window.Record(At(i), absl::Milliseconds(300) + absl::Microseconds(i & 255));
  });
  Measure("latency window: average", [&](int i) { window.Average(At(i)); });
  Measure("latency window: percentile",
          [&](int i) { window.Percentile(At(i)); });
  TargetBoard board({});
  TargetState& target = board.Find("openai", "gpt-5");
  Measure("target: whether it is disabled, and a success", [&](int i) {
    if (target.availability.disabled()) return;
    TargetUse(target).RecordOutcome(At(i), absl::OkStatus(),
                                    /*abandoned=*/false, std::nullopt);
  });
}

}  // namespace
}  // namespace gateway

int main() {
  gateway::MeasureHealthyCalls();
  return 0;
}
