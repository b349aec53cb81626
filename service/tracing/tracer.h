// Tracer is all that the process knows of traces: what is sampled, the traces
// that are kept, the counts of calls, and the queue to the collector. Each loop
// has a shard.
//
//   Tracer tracer(options, SystemClock(), SystemRandom());
//   TraceShard& shard = tracer.shard(loop);
//   call.trace = shard.Begin(traceparent, tracestate);
//   ...
//   const bool is_kept = shard.Count(*call.trace, counted);  // At its end.
//   if (is_kept) shard.Keep(traced);
//
// Whether a call is kept is decided at its end: always if it failed or was
// slow; else if its caller's trace is sampled, or, where the caller names none,
// it is among the share. A refusal, of a call that no provider was asked for,
// costs its caller nothing: of each caller a few are kept in a second. What a
// caller who is not known says counts for nothing, nor does that it is refused,
// which costs it no key: of such calls that are among the share a few of all
// together are kept in a second.
//
// Thread-safe; a shard is its loop's.

#ifndef SERVICE_TRACING_TRACER_H_
#define SERVICE_TRACING_TRACER_H_

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "service/observability/caller_paces.h"
#include "service/observability/second_count.h"
#include "service/tracing/call_spans.h"
#include "service/tracing/call_trace.h"
#include "service/tracing/span_queue.h"
#include "service/tracing/trace_statistics.h"
#include "service/tracing/trace_store.h"

namespace gateway {

// So many calls of callers who are not known are kept in a second, on each
// loop.
inline constexpr int kUnknownCallersTracedPerSecond = 10;
// And so many refusals of each other caller, with what it has saved
// (CallerPaces).
inline constexpr int kRefusalsTracedPerSecond = 10;

class Tracer;

// One loop's part.
class TraceShard {
 public:
  TraceShard(const TraceShard&) = delete;
  TraceShard& operator=(const TraceShard&) = delete;

  // The texts are the caller's header fields; empty if it sent none.
  std::unique_ptr<CallTrace> Begin(std::string_view traceparent,
                                   std::string_view tracestate) const;

  // Counts a call that has ended, and returns whether Keep is to be called with
  // it: of most calls there is no more to be told. REQUIRES: trace.records().
  bool Count(const CallTrace& trace, const CountedCall& call);

  // Keeps and exports its spans.
  void Keep(const TracedCall& call);

  // For the ids of spans.
  Random& chance() const;

 private:
  friend class Tracer;

  TraceShard(Tracer& tracer, TraceStore::Part& kept)
      : tracer_(tracer), kept_(kept) {}

  bool IsKept(const CallTrace& trace, const CountedCall& call);

  Tracer& tracer_;
  TraceStore::Part& kept_;
  TraceStatistics statistics_;
  SecondCount unknown_callers_;
  CallerPaces refusals_;
};

class Tracer {
 public:
  struct Options {
    size_t loops = 1;
    double sampling_ratio = 1;
    // Slower calls are kept; infinite for none.
    absl::Duration slow_threshold = absl::InfiniteDuration();
    CallSpanOptions spans;
    TraceStore::Limits store;  // Of which the parts are the loops.
    // Spans go to the queue.
    bool exports = false;
    SpanQueue::Limits queue;
  };

  // Borrows `clock` and `random`.
  Tracer(const Options& options, Clock& clock, Random& random);

  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  // Valid as long as this.
  TraceShard& shard(size_t loop) { return *shards_[loop]; }

  const TraceStore& store() const { return store_; }
  SpanQueue& queue() { return queue_; }
  const SpanQueue& queue() const { return queue_; }

  // How the calls of that time went.
  TraceTotals Totals(absl::Duration window) const;

 private:
  friend class TraceShard;

  const Options options_;
  const SampledShare share_;
  Clock& clock_;
  Random& random_;
  TraceStore store_;
  SpanQueue queue_;
  std::vector<std::unique_ptr<TraceShard>> shards_;  // Constant.
};

}  // namespace gateway

#endif  // SERVICE_TRACING_TRACER_H_
