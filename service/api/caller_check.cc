#include "service/api/caller_check.h"

#include "base/net/host_port.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
CallerHead CallerHeadOf(const CallContext& call) {
  CallerHead head;
  head.protocol = Protocol::kGrpc;
  head.authorization = call.FindSoleMetadata("authorization").value_or("");
  head.api_key = call.FindSoleMetadata("x-api-key").value_or("");
  head.authority = call.authority();
  head.origin = call.FindMetadata("origin").value_or("");
  return head;
}

absl::StatusOr<std::string_view> CheckCaller(const RuntimeSnapshot& runtime,
                                             const CallContext& call) {
  return runtime.callers().Authorize(CallerHeadOf(call));
}

absl::StatusOr<std::string_view> CheckOperator(const RuntimeSnapshot& runtime,
                                               const CallContext& call) {
  const Authenticator& operators = runtime.operators();
  if (operators.required() ||
      !runtime.config().listeners().admin().tls().client_ca().empty() ||
      IsLoopbackHost(HostOfAuthority(call.peer()))) {
    const CallerHead head = CallerHeadOf(call);
    return operators.Authenticate(head.authorization, head.api_key);
  }
  return MakeFault(v1::ERROR_REASON_FORBIDDEN,
                   "operators without a key are served on loopback only; "
                   "configure auth.operators.api_keys");
}

Method::Authorization OperatorsOnly(const CurrentRuntime& current,
                                    RefusalLog* refusals) {
  Method::Authorization authorization;
  authorization.check = [&current](const CallContext& call) {
    return CheckOperator(*current.Get(), call).status();
  };
  if (refusals == nullptr) return authorization;
  authorization.on_refusal = [refusals](const CallContext& call,
                                        const absl::Status& status) {
    refusals->Request({.code = ToStd(absl::StatusCodeToString(status.code())),
                       .method = "POST",
                       .path = call.method(),
                       .peer = call.peer(),
                       .request_id = call.request_id(),
                       .why = ToStd(status.message())});
  };
  return authorization;
}

}  // namespace gateway
