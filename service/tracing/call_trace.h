// A CallTrace is what a call knows of its trace while it runs: which trace it
// is, what its own span is called, and how long the parts took that become
// spans when it has ended. Nothing is written before that (trace_shard.h).
//
//   const SampledShare share(0.01);                    // Once.
//   std::unique_ptr<CallTrace> trace =
//       CallTrace::Begin(traceparent, tracestate, share, random);
//   const SpanId attempt = trace->NewSpan(random);
//   WriteTraceParent(trace->ParentOf(attempt), out);  // For its provider.
//
// Where calls are not traced, that of a caller who names a trace passes it on
// unchanged.
//
// Thread-compatible: one call's.

#ifndef SERVICE_TRACING_CALL_TRACE_H_
#define SERVICE_TRACING_CALL_TRACE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/memory/recycler.h"
#include "base/os/random.h"
#include "service/tracing/trace_context.h"

namespace gateway {

// A part of a call's own work; steady times.
struct TracedPart {
  absl::Duration begin;
  absl::Duration end;
};

// A wait for entries of the call to be in the ledger.
struct TracedCommit {
  TracedPart part;
  // What kind of entry was waited for, such as `DISPATCH`; of static storage.
  std::string_view event_type;
  int entries = 0;
  absl::StatusCode status = absl::StatusCode::kOk;
};

// A share of all traces, by their ids: services that sample the same share
// sample the same traces.
//
// Thread contract: immutable.
class SampledShare {
 public:
  // `ratio` is from 0, which is none of them, to 1, which is all.
  explicit SampledShare(double ratio);

  // Whether the trace is among it, whoever asks.
  bool Has(const TraceId& trace) const {
    return (trace.low & kRandomMask) >= least_;
  }

 private:
  // The bits of a trace's id that are random by the W3C's recommendation.
  static constexpr int kRandomBits = 56;
  static constexpr uint64_t kRandomMask = (uint64_t{1} << kRandomBits) - 1;

  uint64_t least_;  // Of those bits, as a number.
};

class CallTrace : public Recycled {
 public:
  // Begins that of a call: in the trace that the caller names, if it does, else
  // in a new one, of which a share is sampled. The texts may be empty.
  static std::unique_ptr<CallTrace> Begin(std::string_view traceparent,
                                          std::string_view tracestate,
                                          const SampledShare& share,
                                          Random& random);

  // Passes the caller's on. Null if it names none.
  static std::unique_ptr<CallTrace> PassOn(std::string_view traceparent,
                                           std::string_view tracestate);

  CallTrace(const CallTrace&) = delete;
  CallTrace& operator=(const CallTrace&) = delete;

  // False if the caller's trace is only passed on.
  bool records() const { return span_ != 0; }
  const TraceId& trace() const { return trace_; }
  // The trace's id, in hexadecimal digits.
  std::string_view id_text() const { return {id_.data(), id_.size()}; }
  // The call's own; 0 if its trace is only passed on.
  SpanId span() const { return span_; }
  // The caller's; 0 if it named none.
  SpanId parent() const { return parent_; }
  // Whether it is known from the beginning that the call is kept.
  bool sampled() const { return (flags_ & kSampledFlag) != 0; }
  uint8_t flags() const { return flags_; }
  // As the caller sent it; empty if it did not, or not well.
  const std::string& state() const { return state_; }

  // The id of a part or an attempt; 0 if the trace is only passed on.
  SpanId NewSpan(Random& random) const {
    return records() ? NewSpanId(random) : 0;
  }

  // The traceparent of an attempt with that span. Of one that is passed on, the
  // caller's.
  TraceParent ParentOf(SpanId attempt) const {
    return {.trace = trace_,
            .span = records() ? attempt : parent_,
            .flags = flags_};
  }

  std::optional<TracedPart> queue;
  std::optional<TracedPart> cache;
  // The wait for other replicas to tell what they have spent of a budget.
  std::optional<TracedPart> budgets;
  absl::InlinedVector<TracedCommit, 2> commits;
  // What the call is made for, if it says; owned, since it is told at the end.
  std::string node;

 private:
  CallTrace() = default;

  // Takes what the caller says; returns whether it names a trace.
  bool TakeCallers(std::string_view traceparent, std::string_view tracestate);
  void KeepId() { WriteTraceId(trace_, id_.data()); }

  TraceId trace_;
  std::array<char, kTraceIdDigits> id_;
  SpanId span_ = 0;
  SpanId parent_ = 0;
  uint8_t flags_ = 0;
  std::string state_;
};

}  // namespace gateway

#endif  // SERVICE_TRACING_CALL_TRACE_H_
