// Who is at fault when a call fails: its caller, a rule that operators have
// made, the provider, or the gateway itself.
//
//   PartyAtFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, false, false);  //
//   kProvider
//
// It says whom to ask first, and not whom to pay: a caller's deadline that
// passes is the caller's, however slow the provider was. What
// `resilience.call_timeout` ends is the provider's, once one was asked.
//
// Thread-safe: plain functions.

#ifndef SERVICE_OBSERVABILITY_FAULT_PARTY_H_
#define SERVICE_OBSERVABILITY_FAULT_PARTY_H_

#include <string_view>

#include "llmgateway/v1/errors.pb.h"
#include "service/observability/call_record.h"

namespace gateway {

enum class FaultParty { kCaller, kPolicy, kProvider, kGateway };

// `callers_credential` says that the provider was shown one of the caller's
// own, and `waits_for_operator` that an operator has the targets out.
FaultParty PartyAtFault(llmgateway::v1::ErrorReason reason,
                        bool callers_credential, bool waits_for_operator);

// The same of a call that has failed.
FaultParty PartyAtFault(const CallRecord& record);

// Returns the name for metrics: `caller`, `policy`, `provider`, `gateway`.
std::string_view FaultPartyName(FaultParty party);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_FAULT_PARTY_H_
