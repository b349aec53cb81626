// Finds out who makes a call, for the method table (method_table.h),
// which runs no handler for an unauthenticated caller but one that runs a call
// through the pipeline, which asks by itself.
//
//   table.AuthorizeBy(kService, {.check = [&](const CallContext& call) {
//     return CheckCaller(*current.Get(), call).status();
//   }});
//
// Callers and operators have keys of their own; neither's open what is the
// other's.
//
// Thread contract: that of the call.

#ifndef SERVICE_API_CALLER_CHECK_H_
#define SERVICE_API_CALLER_CHECK_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/identity/trusted_proxies.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// Returns what the call's metadata says of who asks. `proxies` are those of its
// listener.
CallerHead CallerHeadOf(const CallContext& call, const TrustedProxies& proxies);

// Returns where the call comes from: its peer or, if that is a proxy that is
// believed, what it says. Valid as long as the call.
std::string_view ClientOf(const CallContext& call,
                          const TrustedProxies& proxies);

// Returns who calls. Faults as of CallerAccess.
absl::StatusOr<CallerRef> CheckCaller(const RuntimeSnapshot& runtime,
                                      const CallContext& call);

// Returns the operator's id; empty if operators need not show who they are.
// Where they have no keys, callers at this machine are let in, and those whose
// certificate the listener has checked; FORBIDDEN for others, and for pages of
// others that a browser at this machine shows.
absl::StatusOr<std::string> CheckOperator(const RuntimeSnapshot& runtime,
                                          const CallContext& call);

// The same for a line of the log: "an operator" for whoever has no id.
std::string OperatorName(const RuntimeSnapshot& runtime,
                         const CallContext& call);

// As CheckOperator, for a request at `listeners.http`, where callers are: where
// operators have no keys, it is let in if callers need none either, and if it
// comes from this machine, whatever certificate it shows, and for no page of
// another origin. FORBIDDEN for others: a caller's key makes no operator.
absl::StatusOr<std::string> CheckOperatorAmongCallers(
    const RuntimeSnapshot& runtime, const CallContext& call);

// What refuses the calls of a service that is for operators. Refusals are
// recorded in `refusals`, unless that is null: such calls are in no access log.
// Both are borrowed.
Method::Authorization OperatorsOnly(const CurrentRuntime& current,
                                    RefusalLog* refusals);

}  // namespace gateway

#endif  // SERVICE_API_CALLER_CHECK_H_
