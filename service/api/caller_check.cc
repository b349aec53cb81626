#include "service/api/caller_check.h"

#include "base/net/host_port.h"
#include "base/string_view.h"
#include "errors/fault.h"

namespace gateway {
namespace {

absl::StatusOr<std::string_view> FindOperator(const RuntimeSnapshot& runtime,
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

}  // namespace

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
                                               const CallContext& call,
                                               RefusalLog* refusals) {
  absl::StatusOr<std::string_view> found = FindOperator(runtime, call);
  if (!found.ok() && refusals != nullptr) {
    refusals->Request(
        {.code = ToStd(absl::StatusCodeToString(found.status().code())),
         .method = "POST",
         .path = call.method(),
         .peer = call.peer(),
         .request_id = call.request_id(),
         .why = ToStd(found.status().message())});
  }
  return found;
}

}  // namespace gateway
