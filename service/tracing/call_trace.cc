#include "service/tracing/call_trace.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace gateway {

SampledShare::SampledShare(double ratio)
    // As OpenTelemetry has it: the share's are those with the largest numbers.
    : least_(static_cast<uint64_t>(
          std::ldexp(1 - std::clamp(ratio, 0.0, 1.0), kRandomBits))) {}

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
                                            const SampledShare& share,
                                            Random& random) {
  std::unique_ptr<CallTrace> trace(new CallTrace);
  if (!trace->TakeCallers(traceparent, tracestate)) {
    trace->trace_ = NewTraceId(random);
    trace->flags_ = kRandomFlag;
    if (share.Has(trace->trace_)) trace->flags_ |= kSampledFlag;
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
