#include "service/pipeline/trace_record.h"

#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "service/pipeline/call_ledger.h"
#include "service/routing/selection/model_capability.h"

namespace gateway {

namespace {

std::string_view LedgerSystemOf(const Call& call) {
  if (call.ledger == nullptr) return {};
  return call.runtime->config().ledger().has_postgres() ? "postgresql"
                                                        : "sqlite";
}

// Has the spans of the call kept.
void KeepTrace(TraceShard& traces, const Call& call, const CallRecord& record,
               absl::Span<const std::string_view> capabilities) {
  absl::InlinedVector<TracedAttempt, 4> attempts;
  for (const Attempt& one : call.attempts) {
    TracedAttempt& traced = attempts.emplace_back();
    traced = {.attempt = &one, .span = one.span, .vendor = one.priced_as};
    const CallLedger::RoundTrip* const trip =
        call.ledger == nullptr ? nullptr : call.ledger->Find(&one);
    if (trip == nullptr) continue;
    traced.dispatch_entry_id = std::string_view(trip->dispatch_id);
    traced.exchange_entry_id = std::string_view(trip->exchange_id);
  }
  traces.Keep({.record = record,
               .trace = *call.trace,
               .attempts = attempts,
               .node = call.trace->node,
               .capabilities = capabilities,
               .ledger_system = LedgerSystemOf(call),
               .arrival = call.arrival});
}

}  // namespace

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
  std::vector<std::string_view> capabilities;
  if (call.planned.selection != nullptr) {
    capabilities = CapabilityNames(call.planned.selection->result.asked_for);
  }
  const bool is_kept =
      traces.Count(*call.trace, {.record = record,
                                 .node = call.trace->node,
                                 .capabilities = capabilities,
                                 .now = call.loop.Now()});
  if (is_kept) KeepTrace(traces, call, record, capabilities);
}

}  // namespace gateway
