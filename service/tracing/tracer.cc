#include "service/tracing/tracer.h"

#include <cstdint>
#include <utility>

#include "absl/status/status.h"

namespace gateway {

Random& TraceShard::chance() const { return tracer_.random_; }

std::unique_ptr<CallTrace> TraceShard::Begin(
    std::string_view traceparent, std::string_view tracestate) const {
  return CallTrace::Begin(traceparent, tracestate,
                          tracer_.share_, tracer_.random_);
}

bool TraceShard::IsKept(const CallTrace& trace, const CountedCall& call) {
  const CallRecord& record = call.record;
  if (!record.caller_known) {
    // Whoever names a trace also chooses the id that the share goes by.
    const bool is_of_share = trace.sampled() && trace.parent() == 0;
    int64_t not_kept = 0;
    return is_of_share &&
           unknown_callers_.Take(call.now, kUnknownCallersTracedPerSecond,
                                 &not_kept);
  }
  if (IsRefusal(record)) {
    int64_t not_kept = 0;
    return refusals_.Take(record.refused_caller, call.now,
                          kRefusalsTracedPerSecond, &not_kept);
  }
  return trace.sampled() ||
         record.duration >= tracer_.options_.slow_threshold ||
         record.status_code != absl::StatusCode::kOk;
}

bool TraceShard::Count(const CallTrace& trace, const CountedCall& call) {
  const bool is_kept = IsKept(trace, call);
  statistics_.Count(call, is_kept);
  return is_kept && (tracer_.options_.exports || tracer_.store_.enabled());
}

void TraceShard::Keep(const TracedCall& call) {
  KeptTraceRef trace = std::make_shared<const KeptTrace>(
      call, tracer_.options_.spans, tracer_.random_);
  if (tracer_.options_.exports) tracer_.queue_.Add(trace);
  kept_.Add(std::move(trace));
}

namespace {

TraceStore::Limits WithParts(TraceStore::Limits limits, size_t parts) {
  limits.parts = parts;
  return limits;
}

}  // namespace

Tracer::Tracer(const Options& options, Clock& clock, Random& random)
    : options_(options),
      share_(options.sampling_ratio),
      clock_(clock),
      random_(random),
      store_(WithParts(options.store, options.loops), clock),
      queue_(options.queue) {
  for (size_t i = 0; i < options.loops; ++i) {
    shards_.emplace_back(new TraceShard(*this, store_.part(i)));
  }
}

TraceTotals Tracer::Totals(absl::Duration window) const {
  const absl::Duration now = clock_.SteadyTime();
  TraceTotals totals;
  for (const auto& shard : shards_) {
    shard->statistics_.AddTo(window, now, &totals);
  }
  return totals;
}

}  // namespace gateway
