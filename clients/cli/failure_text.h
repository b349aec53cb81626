// What gatewayctl tells of something that failed, on standard error: a line for
// people, or with --output json an object in one line.
//
//   // {"error":{"code":"UNAVAILABLE","reason":"DRAINING","message":"..."}}
//   console.err << FailureText(status, /*as_json=*/true);
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_FAILURE_TEXT_H_
#define CLIENTS_CLI_FAILURE_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "google/rpc/error_details.pb.h"

namespace gateway {

// REQUIRES: `why` is not OK.
std::string FailureText(const absl::Status& why, bool as_json);

// Whether these words, which may make no command, ask for JSON.
bool WantsJson(const std::vector<std::string>& words);

// Has a failure keep what a gateway said of it, as the details of gRPC: a
// serialized google.rpc.Status.
void SetRpcDetails(std::string_view details, absl::Status* failure);
// The same of what another failure keeps.
void CopyRpcDetails(const absl::Status& from, absl::Status* failure);

// The reason that the gateway gave, as in `CIRCUIT_OPEN`; empty if it has given
// none, or nobody was asked.
std::string FailureReason(const absl::Status& failure);
// The fields that it did not like.
google::rpc::BadRequest FailureFields(const absl::Status& failure);

}  // namespace gateway

#endif  // CLIENTS_CLI_FAILURE_TEXT_H_
