// TraceStatistics counts how calls went, for a day: by what was called, by the
// model that served them and by what they asked of models. All calls are
// counted, whether their traces are kept or not.
//
//   TraceStatistics counts;                       // One loop's.
//   counts.Count({.record = record, .now = now}, sampled);
//   ...
//   TraceTotals totals;
//   counts.AddTo(absl::Hours(1), now, &totals);
//
// Thread-safe. Memory is bounded: of each five minutes so many names are told
// apart; the rest are `other`.

#ifndef SERVICE_TRACING_TRACE_STATISTICS_H_
#define SERVICE_TRACING_TRACE_STATISTICS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/mutex.h"
#include "service/observability/call_record.h"

namespace gateway {

// What is counted of a call that has ended. Borrows all.
struct CountedCall {
  const CallRecord& record;
  // The node that it was made for; empty if it names none.
  std::string_view node = {};
  // What it asked of models, by the names of capabilities.
  absl::Span<const std::string_view> capabilities = {};
  absl::Duration now;  // Its end, in steady time.
};

// How calls went.
struct TraceTotals {
  struct Operation {
    int64_t calls = 0;
    int64_t failed = 0;
    absl::Duration duration;  // All together.
  };

  Operation all;
  int64_t sampled = 0;
  int64_t cost_usd_nanos = 0;
  // By `llm_call_` and the node, or the operation.
  std::map<std::string, Operation> operations;
  std::map<std::string, int64_t> models;
  std::map<std::string, int64_t> capabilities;
};

class TraceStatistics {
 public:
  static constexpr absl::Duration kStep = absl::Minutes(5);
  // A day's, and the one that has begun.
  static constexpr int kSteps = 289;
  static constexpr size_t kNamesMax = 256;

  TraceStatistics() = default;
  TraceStatistics(const TraceStatistics&) = delete;
  TraceStatistics& operator=(const TraceStatistics&) = delete;

  void Count(const CountedCall& call, bool sampled) LOCKS_EXCLUDED(mu_);

  // Adds what ended within `window`, and before that in the same step: it is in
  // whole steps, so that no less than the window is counted.
  void AddTo(absl::Duration window, absl::Duration now,
             TraceTotals* totals) const LOCKS_EXCLUDED(mu_);

 private:
  template <typename T>
  struct Named {
    std::string name;
    T value;
  };
  struct OperationCount {
    bool is_node = false;
    TraceTotals::Operation counts;
  };
  struct Step {
    int64_t number = -1;  // Of steps since the beginning of time.
    int64_t sampled = 0;
    int64_t cost_usd_nanos = 0;
    // What is counted most comes first, to be found soon; the rest, `other`,
    // last.
    std::vector<Named<OperationCount>> operations;
    std::vector<Named<int64_t>> models;
    std::vector<Named<int64_t>> capabilities;
  };

  static OperationCount& OperationOf(Step& step, const CountedCall& call);
  static int64_t& CountOf(std::vector<Named<int64_t>>& counts,
                          std::string_view name);

  mutable Mutex mu_;
  std::array<Step, kSteps> steps_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_TRACING_TRACE_STATISTICS_H_
