#include "service/pipeline/trace_record.h"

#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "service/routing/selection/model_capability.h"

namespace gateway {

void BeginTrace(const TraceShard* traces, Call& call) {
  const CallFacts& facts = call.facts;
  if (traces != nullptr) {
    call.trace = traces->Begin(facts.traceparent, facts.tracestate);
  } else if (!facts.traceparent.empty()) {
    call.trace = CallTrace::PassOn(facts.traceparent, facts.tracestate);
  }
}

void RecordTrace(TraceShard& traces, const Call& call,
                 const CallRecord& record) {
  absl::InlinedVector<TracedAttempt, 4> attempts;
  for (const Attempt& one : call.attempts) {
    attempts.push_back(
        {.attempt = &one, .span = one.span, .vendor = one.priced_as});
  }
  std::vector<std::string_view> capabilities;
  if (call.planned.selection != nullptr) {
    capabilities = CapabilityNames(call.planned.selection->result.capabilities);
  }
  traces.Record({.record = record,
                 .trace = *call.trace,
                 .attempts = attempts,
                 .node = call.trace->node,
                 .capabilities = capabilities,
                 .arrival = call.arrival});
}

}  // namespace gateway
