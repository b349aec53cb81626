// What is told of a call beside its answer: by HTTP in header fields, by gRPC
// in trailers, under the same names. docs/headers.md lists them.
//
//   CallFields fields;
//   ReportCall(call, LimitWords::kOpenAi, &fields);
//   for (const CallField& field : fields) Tell(field.name, field.value);
//
// Each text is fit for a field: what callers or rules have chosen is cut, and
// stands percent-encoded where it might end a value or a field.
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_CALL_REPORT_H_
#define SERVICE_API_CALL_REPORT_H_

#include <string>
#include <string_view>

#include "absl/types/span.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/api/call_fields.h"
#include "service/api/limit_report.h"
#include "service/pipeline/call.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

inline constexpr std::string_view kRouteHeader = "x-llmgateway-route";
inline constexpr std::string_view kUsageHeader = "x-llmgateway-usage";
inline constexpr std::string_view kCostHeader = "x-llmgateway-cost-usd";
// Of the ledger: the entries of the exchange, or that of a refusal.
inline constexpr std::string_view kDispatchEntryHeader =
    "x-llmgateway-dispatch-entry-id";
inline constexpr std::string_view kExchangeEntryHeader =
    "x-llmgateway-exchange-entry-id";
inline constexpr std::string_view kLedgerEntryHeader =
    "x-llmgateway-ledger-entry-id";
// The hash of the prompt that the entries have.
inline constexpr std::string_view kContextHashHeader =
    "x-llmgateway-context-hash";
// What is left of the call's budgets, the least of it.
inline constexpr std::string_view kBudgetRemainingUsdHeader =
    "x-llmgateway-budget-remaining-usd";
inline constexpr std::string_view kBudgetRemainingTokensHeader =
    "x-llmgateway-budget-remaining-tokens";
inline constexpr std::string_view kFirstTokenHeader =
    "x-llmgateway-time-to-first-token";
inline constexpr std::string_view kCacheHeader = "x-llmgateway-cache";
inline constexpr std::string_view kAnswerOfHeader = "x-llmgateway-answer-of";
inline constexpr std::string_view kWarningsHeader = "x-llmgateway-warnings";

// How the gateway fares, told where it limits calls or memory.
inline constexpr std::string_view kMemoryRssHeader = "x-memory-rss-mb";
inline constexpr std::string_view kMemoryPressureHeader = "x-memory-pressure";
inline constexpr std::string_view kActiveRequestsHeader = "x-active-requests";

// Adds what is told of every call, good or bad, by either protocol: how full
// its limits are, which trace it belongs to, what part the cache had, whose
// answer it is, who was asked; and, where it has an answer, how full its prompt
// makes the model's context. Each where it is known. Who was asked is who
// answered or failed last, why, and how many attempts there were:
// `provider=openai; model=gpt-5; reason=default; attempts=2`.
//
// The fields borrow from the call.
void ReportCall(const Call& call, LimitWords words, CallFields* fields);

// Adds what is left of the call's budgets, if it is known. The fields borrow
// nothing.
void ReportBudgets(const Call& call, CallFields* fields);

// Adds how the gateway fares: what it has in memory, in MiB with a decimal,
// `123.4`, the pressure, and how many calls run. Nothing where nothing is
// limited. The fields borrow nothing.
void ReportLoad(const RuntimeSnapshot& runtime, CallFields* fields);

// Adds what was consumed: `input=12; output=34`, then `cached_input`,
// `cache_write` and `reasoning` if there were any, and `estimated=true` where
// the provider did not count; and what that cost, if it is known. The fields
// borrow nothing.
void ReportUsage(const llmgateway::v1::Usage& usage, CallFields* fields);

// Adds what it cost alone. REQUIRES: that is known.
void ReportCost(const llmgateway::v1::Usage& usage, CallFields* fields);

// Returns the cost in dollars, exactly, as a decimal number: `0.0315`.
std::string CostText(const llmgateway::v1::Usage& usage);

// Returns what part the cache had: `hit; age=12; key=9f86d081884c7d65;
// request_id=...`, of the call that brought the answer; `miss; key=...`;
// `bypass; reason=tools`. Empty if there is no cache.
std::string CacheText(const Call& call);

// Returns the id of the call that the answer was made for; empty if it is this
// one.
std::string AnswerOfText(const Call& call);

// Returns what the caller is to know of the answer, its budgets' warnings
// first, as below. Empty for none.
std::string WarningsTextOf(const Call& call);

// Returns the warnings in one line: `sampling.top_k: left out; tools[]: ...`.
// What would make it too long is only counted. Empty for none.
std::string WarningsText(absl::Span<const llmgateway::v1::Warning> warnings);

}  // namespace gateway

#endif  // SERVICE_API_CALL_REPORT_H_
