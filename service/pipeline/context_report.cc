#include "service/pipeline/context_report.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "service/context/context_estimate.h"
#include "service/pipeline/context_service.h"
#include "service/pipeline/token_estimate.h"

namespace gateway {
namespace {

// What the configuration says; then the table, and of a model that this does
// not have what else is known of it.
int64_t LimitOf(const PlannedTarget& target) {
  const bool is_said =
      target.facts.limits_are_certain && target.facts.input_tokens_limit > 0;
  if (is_said) return target.facts.input_tokens_limit;
  const int64_t limit = ContextLimitOf(target.upstream_model);
  return limit == kDefaultContextLimit && target.facts.input_tokens_limit > 0
             ? target.facts.input_tokens_limit
             : limit;
}

}  // namespace

ContextTexts::ContextTexts(const ContextReport& report)
    : action(ContextModeName(report.plan.action)),
      routed(report.plan.routed ? "true" : "false"),
      tier(absl::StrCat(report.plan.tier)),
      token_count(absl::StrCat(report.use.tokens)),
      token_limit(absl::StrCat(report.use.limit)),
      headroom_percent(absl::StrCat(HeadroomPercent(report.use))) {}

std::optional<ContextReport> ReportContext(const IncomingCall& call,
                                           const Planned& planned) {
  const bool in_fields = call.runtime->contexts() != nullptr;
  const bool in_answer =
      call.request != nullptr && call.request->include_context_budget();
  const bool generates =
      (call.request != nullptr || call.raw != nullptr) && !call.facts.counts;
  if (!generates || (!in_fields && !in_answer)) return std::nullopt;
  const PromptSize size = call.request != nullptr ? MeasurePrompt(*call.request)
                                                  : MeasurePrompt(*call.raw);
  const ContextUse use = {
      .tokens = EstimateContextTokens(planned.first.upstream_model,
                                      size.characters, size.messages),
      .limit = LimitOf(planned.first)};
  const ContextMode mode = call.facts.directives == nullptr
                               ? ContextMode::kAuto
                               : call.facts.directives->context_mode;
  return ContextReport{.use = use,
                       .plan = PlanContext(use, mode),
                       .in_fields = in_fields,
                       .in_answer = in_answer};
}

void FillContextBudget(const ContextReport& report,
                       llmgateway::v1::ContextBudget* budget) {
  budget->set_tier(report.plan.tier);
  budget->set_token_count(report.use.tokens);
  budget->set_token_limit(report.use.limit);
  budget->set_headroom_percent(HeadroomPercent(report.use));
  budget->set_routed(report.plan.routed);
}

absl::Status ContextServiceIsAway(const ContextReport& report) {
  absl::Status fault = MakeFault(
      v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE,
      absl::StrCat("the prompt takes ", report.use.tokens, " of the ",
                   report.use.limit, " tokens of the model's context (tier ",
                   report.plan.tier,
                   "), and the context service that should manage it cannot "
                   "be reached; shorten it, or send x-cms-mode: none"));
  AddFaultMetadata(fault, "tier", absl::StrCat(report.plan.tier));
  // It is asked again then.
  SetRetryDelay(fault, ContextService::kRememberedFor);
  return fault;
}

std::string ContextWarning(const ContextReport& report) {
  if (!IsNearlyFull(report.use)) return "";
  return absl::StrCat("the prompt takes about ", report.use.tokens, " of the ",
                      report.use.limit,
                      " tokens of the model's context; an answer may not find "
                      "room");
}

}  // namespace gateway
