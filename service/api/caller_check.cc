#include "service/api/caller_check.h"

namespace gateway {

absl::StatusOr<std::string_view> CheckCaller(const Wiring& wiring,
                                             const CallContext& call) {
  return wiring.authenticator().Authenticate(
      call.FindMetadata("authorization").value_or(""),
      call.FindMetadata("x-api-key").value_or(""));
}

}  // namespace gateway
