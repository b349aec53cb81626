#include "service/tracing/call_trace.h"

#include <cmath>
#include <cstdint>

namespace gateway {
namespace {

// The bits of a trace's id that are random by the W3C's recommendation.
constexpr int kRandomBits = 56;
constexpr uint64_t kRandomMask = 0x00ffffffffffffff;

}  // namespace

bool IsSampled(const TraceId& trace, double ratio) {
  if (ratio >= 1) return true;
  if (!(ratio > 0)) return false;
  // As OpenTelemetry has it: the share's are those with the largest numbers.
  const auto threshold =
      static_cast<uint64_t>(std::ldexp(1 - ratio, kRandomBits));
  return (trace.low & kRandomMask) >= threshold;
}

bool CallTrace::TakeCallers(std::string_view traceparent,
                            std::string_view tracestate) {
  const std::optional<TraceParent> parent = ParseTraceParent(traceparent);
  if (!parent.has_value()) return false;
  trace_ = parent->trace;
  parent_ = parent->span;
  flags_ = parent->flags;
  if (!tracestate.empty() && IsTraceState(tracestate)) state_ = tracestate;
  KeepId();
  return true;
}

std::unique_ptr<CallTrace> CallTrace::Begin(std::string_view traceparent,
                                            std::string_view tracestate,
                                            double ratio, Random& random) {
  std::unique_ptr<CallTrace> trace(new CallTrace);
  if (!trace->TakeCallers(traceparent, tracestate)) {
    trace->trace_ = NewTraceId(random);
    trace->flags_ = kRandomFlag;
    if (IsSampled(trace->trace_, ratio)) trace->flags_ |= kSampledFlag;
    trace->KeepId();
  }
  trace->span_ = NewSpanId(random);
  return trace;
}

std::unique_ptr<CallTrace> CallTrace::PassOn(std::string_view traceparent,
                                             std::string_view tracestate) {
  std::unique_ptr<CallTrace> trace(new CallTrace);
  if (!trace->TakeCallers(traceparent, tracestate)) return nullptr;
  return trace;
}

}  // namespace gateway
