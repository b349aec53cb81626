// Finds out who makes a call, for services whose calls do not go through the
// pipeline, which asks by itself.
//
//   const std::shared_ptr<const Wiring> wiring = current.Get();
//   GATEWAY_CO_RETURN_IF_ERROR(CheckCaller(*wiring, call).status());
//
// Thread contract: that of the call.

#ifndef SERVICE_API_CALLER_CHECK_H_
#define SERVICE_API_CALLER_CHECK_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "service/api/call_context.h"
#include "service/pipeline/wiring.h"

namespace gateway {

// The name of the caller's key, valid as long as the wiring; empty if no keys
// are asked for. API_KEY_INVALID as Authenticator has it.
absl::StatusOr<std::string_view> CheckCaller(const Wiring& wiring,
                                             const CallContext& call);

}  // namespace gateway

#endif  // SERVICE_API_CALLER_CHECK_H_
