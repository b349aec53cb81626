// How full a call makes its model's context, for callers, for providers that
// are told, and for who asks for a `context_budget`.
//
//   call.context = ReportContext(call, call.planned);
//   fields.Add(kContextTierHeader, texts.tier);
//
// Thread contract: one call, by one thread at a time.

#ifndef SERVICE_PIPELINE_CONTEXT_REPORT_H_
#define SERVICE_PIPELINE_CONTEXT_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/context/context_tier.h"
#include "service/pipeline/incoming_call.h"
#include "service/pipeline/plan.h"

namespace gateway {

// Header fields and trailers, by which callers and providers are told.
inline constexpr std::string_view kContextModeHeader = "x-cms-mode";
inline constexpr std::string_view kContextRoutedHeader = "x-cms-routed";
inline constexpr std::string_view kContextTierHeader = "x-cms-tier";
inline constexpr std::string_view kTokenCountHeader = "x-token-count";
inline constexpr std::string_view kTokenLimitHeader = "x-token-limit";
inline constexpr std::string_view kHeadroomHeader = "x-headroom-pct";
// Has a service know that the prompt has come by a gateway already.
inline constexpr std::string_view kContextOriginHeader = "x-cms-origin";
inline constexpr std::string_view kContextOrigin = "gateway";

struct ContextReport {
  ContextUse use;
  ContextPlan plan;
  // Its caller, and providers that are told, see it in header fields.
  bool in_fields = false;
  // The caller asks for it in the answer.
  bool in_answer = false;
};

// The same as texts.
struct ContextTexts {
  explicit ContextTexts(const ContextReport& report);

  std::string_view action;
  std::string_view routed;  // `true` or `false`.
  std::string tier;
  std::string token_count;
  std::string token_limit;
  std::string headroom_percent;
};

// Returns nothing where nobody is told: it would cost a reading of the request.
// Calls that generate nothing have none.
std::optional<ContextReport> ReportContext(const IncomingCall& call,
                                           const Planned& planned);

void FillContextBudget(const ContextReport& report,
                       llmgateway::v1::ContextBudget* budget);

// UNAVAILABLE, for a call that cannot be served without the service.
absl::Status ContextServiceIsAway(const ContextReport& report);

// The text of a warning to the caller; empty if there is room for an answer.
std::string ContextWarning(const ContextReport& report);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONTEXT_REPORT_H_
