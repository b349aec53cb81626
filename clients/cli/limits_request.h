// `gatewayctl limits`: how full limits are, and what was taken of them given
// back.
//
//   OperatorWords words;
//   words.words = {"reset", "rpm"};
//   words.flags = {{"--subject", "user=ann"}};
//   const absl::StatusOr<std::string> text = AskLimits(place, words);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_LIMITS_REQUEST_H_
#define CLIENTS_CLI_LIMITS_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/limits.pb.h"

namespace gateway {

// What `limits` does.
extern const OperatorCommand kLimitsCommand;

// Returns what to print: for people, or the response as JSON. INVALID_ARGUMENT
// for words that are not meant.
absl::StatusOr<std::string> AskLimits(const RpcPlace& place,
                                      const OperatorWords& words);

// The requests that words come to.
absl::StatusOr<llmgateway::v1::ListLimitUsageRequest> ListUsageRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::ResetLimitRequest> ResetLimitRequestOf(
    const OperatorWords& words);

// Counters as a table, a line each.
std::string LimitUsageTable(
    const llmgateway::v1::ListLimitUsageResponse& response);

}  // namespace gateway

#endif  // CLIENTS_CLI_LIMITS_REQUEST_H_
