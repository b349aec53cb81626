// What `gatewayctl health` asks a gateway's AdminService: how the gateway, its
// providers and what it needs itself are doing.
//
//   gatewayctl health
//
// Thread-safe: plain functions; what asks blocks.

#ifndef CLIENTS_CLI_HEALTH_REQUEST_H_
#define CLIENTS_CLI_HEALTH_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/admin.pb.h"

namespace gateway {

extern const OperatorCommand kHealthCommand;

// Good is a gateway that answers calls, if only some of them.
// INVALID_ARGUMENT for words that are not meant; other errors are the
// gateway's.
absl::StatusOr<Findings> AskHealth(const RpcPlace& place,
                                   const OperatorWords& words);

bool AnswersCalls(const llmgateway::v1::GetHealthResponse& health);

// For people.
std::string HealthTable(const llmgateway::v1::GetHealthResponse& health);

}  // namespace gateway

#endif  // CLIENTS_CLI_HEALTH_REQUEST_H_
