#include "service/observability/attempt_metrics.h"

#include "llmgateway/v1/usage.pb.h"

namespace gateway {
namespace {

using ::llmgateway::v1::Attempt;

constexpr std::string_view kReasonLabels[] = {"provider", "reason"};
constexpr std::string_view kOutcomeLabels[] = {"provider", "outcome"};
constexpr std::string_view kCredentialLabels[] = {"provider", "credential"};

// In place of a name, of a provider that is asked without one.
constexpr std::string_view kNoCredential = "none";

constexpr MetricDefinition kRetriesByReason = {
    .name = "llmgw_retries_total",
    .help = "Times that a provider was asked again, by why.",
    .kind = MetricKind::kCounter,
    .label_names = kReasonLabels};
constexpr MetricDefinition kHedges = {
    .name = "llmgw_hedges_total",
    .help = "Times that a provider was asked beside one that took long.",
    .kind = MetricKind::kCounter,
    .label_names = kOutcomeLabels};
constexpr MetricDefinition kCoolings = {
    .name = "llmgw_credential_coolings_total",
    .help = "Times that a credential had met its limit, and began to cool.",
    .kind = MetricKind::kCounter,
    .label_names = kCredentialLabels};
constexpr MetricDefinition kRefusals = {
    .name = "llmgw_credential_refusals_total",
    .help = "Times that a credential was refused, and taken out.",
    .kind = MetricKind::kCounter,
    .label_names = kCredentialLabels};

std::string_view HedgeOutcome(const CallAttempt& attempt) {
  if (attempt.answered) return "won";
  return attempt.error_reason == llmgateway::v1::ERROR_REASON_CANCELLED
             ? "lost"
             : "failed";
}

}  // namespace

void CountFollowUp(const CallAttempt& attempt, std::string_view provider,
                   MetricShard& shard) {
  const std::string_view cause = ErrorReasonName(attempt.cause);
  switch (attempt.kind) {
    case Attempt::KIND_RETRY:
      shard.CounterOf(kRetriesByReason, {provider, cause}).Add(1);
      break;
    case Attempt::KIND_HEDGE:
      shard.CounterOf(kHedges, {provider, HedgeOutcome(attempt)}).Add(1);
      break;
    default:
      break;
  }
  const std::string_view credential =
      attempt.credential.empty() ? kNoCredential : attempt.credential;
  if (attempt.credential_change == CredentialChange::kCools) {
    shard.CounterOf(kCoolings, {provider, credential}).Add(1);
  } else if (attempt.credential_change == CredentialChange::kIsOut) {
    shard.CounterOf(kRefusals, {provider, credential}).Add(1);
  }
}

}  // namespace gateway
