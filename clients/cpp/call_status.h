// How a gRPC call ended, as absl::Status: the details that the gateway sends
// (why it failed, when to try again) become payloads and are not lost.
//
//   const absl::Status status = ToStatus(stub->Generate(&context, ...));
//   const std::optional<google::rpc::ErrorInfo> info = ErrorInfoOf(status);
//   if (info.has_value() && info->reason() == "BUDGET_EXCEEDED") ...
//
// Thread contract: plain functions.

#ifndef CLIENTS_CPP_CALL_STATUS_H_
#define CLIENTS_CPP_CALL_STATUS_H_

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/cpp/answer_fault.h"
#include "google/rpc/error_details.pb.h"

namespace gateway {

// Each detail becomes a payload by its type's URL, as in
// `type.googleapis.com/google.rpc.ErrorInfo`.
absl::Status ToStatus(const grpc::Status& status);

// The same with what the call's trailers say besides. REQUIRES: the call is
// over.
absl::Status ToStatus(const grpc::Status& status,
                      const grpc::ClientContext& context);

// The same of a stream, which knows the call's id where the trailers do not say
// it, as where a connection broke off. REQUIRES: the call is over.
absl::Status ToStatus(const grpc::Status& status, const std::string& request_id,
                      const grpc::ClientContext& context);

// What a stream ends with whose answer is not whole. `request_id` is the
// call's, if it is known; otherwise the trailers may have it. REQUIRES: the
// call is over.
absl::Status ToStatus(const AnswerFault& fault, const std::string& request_id,
                      const grpc::ClientContext& context);

// Why the call failed; `reason` is a name of llmgateway.v1.ErrorReason without
// its prefix.
std::optional<google::rpc::ErrorInfo> ErrorInfoOf(const absl::Status& status);

// How long to wait before it may work; nothing if waiting will not help.
std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

// Which fields of the request are wrong; empty if none is.
google::rpc::BadRequest BadRequestOf(const absl::Status& status);

// Which limits and budgets were reached; empty if none was.
google::rpc::QuotaFailure QuotaFailureOf(const absl::Status& status);

// What the trailers say of other attempts, `grpc-retry-pushback-ms`; nothing if
// they do not. REQUIRES: the call is over.
std::optional<std::string> PushbackOf(const grpc::ClientContext& context);

// The gateway's id of the call; empty if it was not reached.
std::string RequestIdOf(const absl::Status& status);

}  // namespace gateway

#endif  // CLIENTS_CPP_CALL_STATUS_H_
