// WriteCallSpans makes the spans of a call that has ended from its record: one
// of the call, one of its time in the queue, of its look-up in the cache and of
// its wait for other replicas' budgets, if it had those, one of each wait for
// the ledger, and one of each attempt, whatever came of that. Attributes have
// the names of OpenTelemetry's semantic conventions for HTTP, RPC and
// generative AI, or begin with `llmgateway.`; none is a prompt, an answer or a
// secret.
//
//   const int count = WriteCallSpans(call, {.llm_attributes = false}, random,
//                                    &bytes);
//
// Thread-safe: plain functions.

#ifndef SERVICE_TRACING_CALL_SPANS_H_
#define SERVICE_TRACING_CALL_SPANS_H_

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/os/random.h"
#include "service/observability/call_record.h"
#include "service/tracing/call_trace.h"
#include "service/tracing/trace_context.h"

namespace gateway {

// An attempt of a call, and its span.
struct TracedAttempt {
  const CallAttempt* attempt = nullptr;  // Never null.
  SpanId span = 0;
  // What kind of provider it went to, such as `openai`.
  std::string_view vendor;
  // Its entries in the ledger; empty without one.
  std::string_view dispatch_entry_id;
  std::string_view exchange_entry_id;
};

// A call that has ended. Borrows all.
struct TracedCall {
  const CallRecord& record;
  const CallTrace& trace;
  absl::Span<const TracedAttempt> attempts;
  // The node that it was made for; empty if it names none.
  std::string_view node;
  // What it asked of models, by the names of capabilities.
  absl::Span<const std::string_view> capabilities;
  // The database of the ledger, as the conventions name it; empty without one.
  std::string_view ledger_system;
  // Steady time of its arrival, by which its parts are placed.
  absl::Duration arrival;
};

struct CallSpanOptions {
  // Also what begins with `llm.`, such as `llm.cost_usd`.
  bool llm_attributes = false;
};

// Appends the spans to `out`, in the order of ScopeSpans, and returns how many.
// REQUIRES: call.trace.records().
int WriteCallSpans(const TracedCall& call, const CallSpanOptions& options,
                   Random& random, std::string* out);

// The conventions' name of what the operation does, such as `chat`.
std::string_view GenAiOperationOf(std::string_view operation);

// The conventions' name of a kind of provider, such as `gcp.gemini`; the kind's
// own where they have none.
std::string_view GenAiProviderOf(std::string_view vendor);

}  // namespace gateway

#endif  // SERVICE_TRACING_CALL_SPANS_H_
