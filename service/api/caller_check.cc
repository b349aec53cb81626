#include "service/api/caller_check.h"

#include "base/net/host_port.h"
#include "errors/fault.h"

namespace gateway {
namespace {

absl::StatusOr<std::string_view> Authenticate(
    const Authenticator& authenticator, const CallContext& call) {
  return authenticator.Authenticate(
      call.FindSoleMetadata("authorization").value_or(""),
      call.FindSoleMetadata("x-api-key").value_or(""));
}

}  // namespace

absl::StatusOr<std::string_view> CheckCaller(const Wiring& wiring,
                                             const CallContext& call) {
  return Authenticate(wiring.callers(), call);
}

absl::StatusOr<std::string_view> CheckOperator(const Wiring& wiring,
                                               const CallContext& call) {
  const Authenticator& operators = wiring.operators();
  if (operators.required() ||
      !wiring.config().listeners().admin().tls().client_ca().empty() ||
      IsLoopbackHost(HostOfAuthority(call.peer()))) {
    return Authenticate(operators, call);
  }
  return MakeFault(v1::ERROR_REASON_FORBIDDEN,
                   "operators without a key are served on loopback only; "
                   "configure auth.operators.api_keys");
}

}  // namespace gateway
