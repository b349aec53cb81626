// What `gatewayctl circuits` asks a gateway's AdminService: what has been
// learned of targets, and that their breakers do something else.
//
//   gatewayctl circuits force openai/gpt-5 forced_open
//
// Thread-safe: plain functions; what asks blocks.

#ifndef CLIENTS_CLI_CIRCUITS_REQUEST_H_
#define CLIENTS_CLI_CIRCUITS_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/circuits.pb.h"

namespace gateway {

extern const OperatorCommand kCircuitsCommand;

// INVALID_ARGUMENT for words that are not meant; other errors are the
// gateway's.
absl::StatusOr<std::string> AskCircuits(const RpcPlace& place,
                                        const OperatorWords& words);

// What `circuits reset` and `circuits force` ask for.
absl::StatusOr<llmgateway::v1::ResetCircuitRequest> ResetCircuitRequestOf(
    const OperatorWords& words);
absl::StatusOr<llmgateway::v1::ForceCircuitRequest> ForceCircuitRequestOf(
    const OperatorWords& words);

// For people: a line each.
std::string CircuitsTable(
    const google::protobuf::RepeatedPtrField<llmgateway::v1::Circuit>&
        circuits);

}  // namespace gateway

#endif  // CLIENTS_CLI_CIRCUITS_REQUEST_H_
