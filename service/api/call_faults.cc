#include "service/api/call_faults.h"

#include "absl/strings/str_cat.h"
#include "errors/fault.h"

namespace gateway {

absl::Status DeadlinePassed() {
  return MakeFault(v1::ERROR_REASON_DEADLINE_EXCEEDED,
                   "the caller's deadline passed");
}

absl::Status Draining() {
  return MakeFault(v1::ERROR_REASON_DRAINING, "the gateway is shutting down");
}

absl::Status CallerGone() {
  return MakeFault(v1::ERROR_REASON_CANCELLED, "the caller went away");
}

absl::Status NoRequestMessage() {
  return MakeFault(v1::ERROR_REASON_INVALID_REQUEST,
                   "the call ended without a request message");
}

absl::Status NotAMessage(const google::protobuf::Message& message) {
  return InvalidField("",
                      absl::StrCat("not a valid ", message.GetTypeName()));
}

}  // namespace gateway
