#include "service/observability/fault_party.h"

#include "errors/fault.h"

namespace gateway {

FaultParty PartyAtFault(llmgateway::v1::ErrorReason reason,
                        bool callers_credential, bool waits_for_operator) {
  if (waits_for_operator) return FaultParty::kPolicy;
  switch (reason) {
    case llmgateway::v1::ERROR_REASON_MODEL_NOT_ALLOWED:
    case llmgateway::v1::ERROR_REASON_FORBIDDEN:
    case llmgateway::v1::ERROR_REASON_NOT_ROLLED_OUT:
    case llmgateway::v1::ERROR_REASON_RATE_LIMITED:
    case llmgateway::v1::ERROR_REASON_BUDGET_EXCEEDED:
    case llmgateway::v1::ERROR_REASON_CONCURRENCY_LIMITED:
    case llmgateway::v1::ERROR_REASON_SESSION_LIMITED:
    case llmgateway::v1::ERROR_REASON_MODEL_DISABLED:
      return FaultParty::kPolicy;
    // Of a caller's own key, its owner has used up what it may.
    case llmgateway::v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      return callers_credential ? FaultParty::kCaller : FaultParty::kProvider;
    case llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE:
    case llmgateway::v1::ERROR_REASON_PROVIDER_TIMEOUT:
    case llmgateway::v1::ERROR_REASON_PROVIDER_BAD_RESPONSE:
    case llmgateway::v1::ERROR_REASON_PROVIDER_CONFLICT:
    case llmgateway::v1::ERROR_REASON_STREAM_INTERRUPTED:
    case llmgateway::v1::ERROR_REASON_CIRCUIT_OPEN:
    case llmgateway::v1::ERROR_REASON_RESPONSE_VALIDATION:
      return FaultParty::kProvider;
    // The gateway's own key is wrong, or its account empty.
    case llmgateway::v1::ERROR_REASON_PROVIDER_AUTH_FAILED:
    case llmgateway::v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
      return callers_credential ? FaultParty::kCaller : FaultParty::kGateway;
    case llmgateway::v1::ERROR_REASON_UNSPECIFIED:
    case llmgateway::v1::ERROR_REASON_OVERLOADED:
    case llmgateway::v1::ERROR_REASON_DRAINING:
    case llmgateway::v1::ERROR_REASON_LEDGER_UNAVAILABLE:
    case llmgateway::v1::ERROR_REASON_STATE_NOT_KEPT:
    case llmgateway::v1::ERROR_REASON_IDENTITY_UNAVAILABLE:
    case llmgateway::v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE:
    case llmgateway::v1::ERROR_REASON_STORE_UNAVAILABLE:
    case llmgateway::v1::ERROR_REASON_INTERNAL:
      return FaultParty::kGateway;
    default:
      return FaultParty::kCaller;
  }
}

FaultParty PartyAtFault(const CallRecord& record) {
  if (record.out_of_callers_time) return FaultParty::kCaller;
  if (record.out_of_configured_time) {
    return record.attempts.empty() ? FaultParty::kPolicy
                                   : FaultParty::kProvider;
  }
  const bool callers_credential =
      !record.attempts.empty() &&
      record.attempts.back()->credential == kCallersCredential;
  return PartyAtFault(record.error_reason, callers_credential,
                      record.waits_for_operator);
}

std::string_view FaultPartyName(FaultParty party) {
  switch (party) {
    case FaultParty::kCaller:
      return "caller";
    case FaultParty::kPolicy:
      return "policy";
    case FaultParty::kProvider:
      return "provider";
    case FaultParty::kGateway:
      break;
  }
  return "gateway";
}

}  // namespace gateway
