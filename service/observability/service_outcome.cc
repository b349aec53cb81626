#include "service/observability/service_outcome.h"

#include <algorithm>

#include "absl/status/status.h"
#include "service/observability/fault_party.h"

namespace gateway {

ServiceOutcome ServiceOutcomeOf(const CallRecord& record) {
  if (!record.asks_for_answer || !record.answer_of.empty()) {
    return ServiceOutcome::kNone;
  }
  if (record.status_code == absl::StatusCode::kOk) {
    const bool is_asked = std::any_of(
        record.attempts.begin(), record.attempts.end(),
        [](const CallAttempt* attempt) { return !attempt->replaced; });
    return is_asked ? ServiceOutcome::kAnswered : ServiceOutcome::kNone;
  }
  // Whoever shows no key can be refused as often as he likes.
  if (record.status_code == absl::StatusCode::kUnauthenticated &&
      record.attempts.empty()) {
    return ServiceOutcome::kNone;
  }
  switch (PartyAtFault(record)) {
    case FaultParty::kProvider:
      return ServiceOutcome::kProviderFailed;
    case FaultParty::kGateway:
      return ServiceOutcome::kGatewayFailed;
    case FaultParty::kCaller:
    case FaultParty::kPolicy:
      break;
  }
  return ServiceOutcome::kNone;
}

std::string_view ServiceOutcomeName(ServiceOutcome outcome) {
  switch (outcome) {
    case ServiceOutcome::kNone:
      break;
    case ServiceOutcome::kAnswered:
      return "answered";
    case ServiceOutcome::kProviderFailed:
      return "provider_failed";
    case ServiceOutcome::kGatewayFailed:
      return "gateway_failed";
  }
  return {};
}

}  // namespace gateway
