// What `gatewayctl route explain` asks a gateway's AdminService: where a
// request would go and why, without sending it.
//
//   gatewayctl route explain --model gpt-5 --agent_type code-reviewer
//
// Thread-safe: plain functions; what asks blocks.

#ifndef CLIENTS_CLI_ROUTE_REQUEST_H_
#define CLIENTS_CLI_ROUTE_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/admin.pb.h"

namespace gateway {

extern const OperatorCommand kRouteCommand;

// Good is a request that would go somewhere. INVALID_ARGUMENT for words that
// are not meant; other errors are the gateway's.
absl::StatusOr<Findings> AskRoute(const RpcPlace& place,
                                  const OperatorWords& words);

// For people: where it goes, and a line for each thing that was considered.
std::string RouteTable(const llmgateway::v1::ExplainRouteResponse& response);

}  // namespace gateway

#endif  // CLIENTS_CLI_ROUTE_REQUEST_H_
