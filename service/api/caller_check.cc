#include "service/api/caller_check.h"

namespace gateway {

absl::StatusOr<std::string_view> CheckCaller(const Wiring& wiring,
                                             const CallContext& call) {
  return wiring.authenticator().Authenticate(
      call.FindSoleMetadata("authorization").value_or(""),
      call.FindSoleMetadata("x-api-key").value_or(""));
}

}  // namespace gateway
