// Finds out who makes a call by gRPC, for methods whose calls do not go through
// the pipeline, which asks by itself.
//
//   const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
//   GATEWAY_CO_RETURN_IF_ERROR(CheckCaller(*runtime, call).status());
//
// Callers and operators have keys of their own; neither's open what is the
// other's.
//
// Thread contract: that of the call.

#ifndef SERVICE_API_CALLER_CHECK_H_
#define SERVICE_API_CALLER_CHECK_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "service/api/call_context.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// Returns what the call's metadata says of who asks.
CallerHead CallerHeadOf(const CallContext& call);

// Returns the id of the caller's key, valid as long as the runtime snapshot;
// empty if no keys are configured. Faults as of CallerAccess.
absl::StatusOr<std::string_view> CheckCaller(const RuntimeSnapshot& runtime,
                                             const CallContext& call);

// As above, for operators. Where they have no keys, callers at this machine are
// let in, and those whose certificate the listener has checked; FORBIDDEN for
// others. Refusals are recorded in `refusals`, unless that is null: such calls
// are in no access log.
absl::StatusOr<std::string_view> CheckOperator(const RuntimeSnapshot& runtime,
                                               const CallContext& call,
                                               RefusalLog* refusals);

}  // namespace gateway

#endif  // SERVICE_API_CALLER_CHECK_H_
