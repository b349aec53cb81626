#include "service/api/call_faults.h"

#include "absl/strings/str_cat.h"
#include "errors/fault.h"
#include "errors/time_limit.h"

namespace gateway {

absl::Status DeadlinePassed() {
  absl::Status fault = MakeFault(v1::ERROR_REASON_DEADLINE_EXCEEDED,
                                 "the caller's deadline passed (grpc-timeout)");
  AddTimeLimit(fault, "grpc-timeout");
  return fault;
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
