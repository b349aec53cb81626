// What limits of calls and memory cost a call, in nanoseconds: a place that is
// free, alone and with another thread at the same limit; a call that is
// refused, since too many wait; and what the turns of a queue take, in which
// many callers wait. With an argument it makes a thousand calls that find a
// place, or, for `refused`, that find none, for callgrind to count the
// instructions of.
//
//   bazel run //tests/bench/micro:overload_bench
//   valgrind --tool=callgrind --toggle-collect='*MeasuredCall*' BENCH placed

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <functional>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "base/os/thread.h"
#include "llmgateway/config/v1/overload.pb.h"
#include "service/identity/caller.h"
#include "service/overload/admission_queue.h"
#include "service/overload/overload_control.h"
#include "tests/testing/loop_runner.h"

namespace gateway {
namespace {

constexpr int kRuns = 1'000'000;
constexpr int kRounds = 5;

llmgateway::config::v1::OverloadConfig Config(int calls_limit) {
  llmgateway::config::v1::OverloadConfig config;
  auto& concurrency = *config.mutable_concurrency();
  concurrency.set_calls_limit(calls_limit);
  concurrency.mutable_wait_timeout()->set_seconds(5);
  concurrency.mutable_overload_time()->set_seconds(1);
  config.mutable_memory()->set_size_bytes_limit(int64_t{1} << 40);
  config.mutable_memory()->set_soft_percent(80);
  return config;
}

// All that is done for a call that finds a place.
[[gnu::noinline]] bool MeasuredCall(OverloadControl& overload) {
  return overload.TryEnter(CallerPriority::kNormal).has_value();
}

// And for one that does not.
[[gnu::noinline]] Task<bool> MeasuredRefusal(OverloadControl& overload,
                                             EventLoop& loop,
                                             CancelSignal& cancel) {
  if (overload.TryEnter(CallerPriority::kNormal).has_value()) co_return true;
  const absl::StatusOr<OverloadControl::Permit> permit =
      co_await overload.Enter(loop, cancel, OverloadControl::Asker{});
  co_return permit.ok();
}

double Time(int runs, const std::function<void(int)>& run) {
  const absl::Duration start = SystemClock().SteadyTime();
  for (int i = 0; i < runs; ++i) run(i);
  const absl::Duration taken = SystemClock().SteadyTime() - start;
  return absl::ToDoubleNanoseconds(taken) / runs;
}

// The best of a few rounds, since others share the machine.
double Best(int runs, const std::function<void(int)>& run) {
  double best = 1e18;
  for (int i = 0; i < kRounds; ++i) best = std::min(best, Time(runs, run));
  return best;
}

void MeasurePlaces() {
  OverloadControl overload(SystemClock(), Config(100'000));
  const auto run = [&](int) { MeasuredCall(overload); };
  const double alone = Best(kRuns, run);
  std::atomic<bool> ends = false;
  Thread other("other", [&] {
    while (!ends.load(std::memory_order_relaxed)) run(0);
  });
  const double beside = Best(kRuns, run);
  ends.store(true);
  other.Join();
  std::printf("a place: %.0f ns, beside another thread %.0f ns\n", alone,
              beside);
}

Task<bool> Refuse(OverloadControl* overload, EventLoop* loop, int calls) {
  CancelSignal cancel;
  bool any = false;
  for (int i = 0; i < calls; ++i) {
    any |= co_await MeasuredRefusal(*overload, *loop, cancel);
  }
  co_return any;
}

void MeasureRefusals(int calls) {
  OverloadControl overload(SystemClock(), Config(1));
  const std::optional<OverloadControl::Permit> held =
      overload.TryEnter(CallerPriority::kNormal);
  LoopRunner runner;
  const double one = Best(1, [&](int) {
    if (runner.Run(Refuse(&overload, &runner.loop(), calls))) {
      std::puts("a call found a place");
    }
  });
  std::printf("a refusal: %.0f ns\n", one / calls);
}

// So many callers wait, each with one call; one turn, and one who comes.
void MeasureTurns(size_t callers) {
  AdmissionQueue queue({.waiting_limit = callers,
                        .wait_limit = absl::Hours(1),
                        .overload_time = absl::Hours(1)});
  const absl::Duration now = absl::Hours(1);
  std::deque<AdmissionQueue::Entry> entries;
  for (size_t i = 0; i < callers; ++i) {
    queue.Add(entries.emplace_back(CallerPriority::kNormal, i,
                                   absl::InfiniteDuration()),
              now);
  }
  const double turn =
      Best(kRuns, [&](int) { queue.Add(*queue.Take(now), now); });
  std::printf("a turn among %zu callers: %.0f ns\n", callers, turn);
  while (queue.Take(now) != nullptr) {
  }
}

void Run(std::string_view argument) {
  constexpr int kCounted = 1000;
  if (argument == "refused") return MeasureRefusals(kCounted);
  if (!argument.empty()) {
    OverloadControl overload(SystemClock(), Config(100'000));
    for (int i = 0; i < kCounted; ++i) MeasuredCall(overload);
    return;
  }
  MeasurePlaces();
  MeasureRefusals(100'000);
  MeasureTurns(10);
  MeasureTurns(1000);
}

}  // namespace
}  // namespace gateway

int main(int argc, char** argv) { gateway::Run(argc > 1 ? argv[1] : ""); }
