// What `gatewayctl config` asks a gateway's AdminService: whether a
// configuration is right, what it would change, and that it comes into use.
//
//   gatewayctl config diff gateway.yaml && gatewayctl config apply gateway.yaml
//
// Thread-safe: plain functions; what asks blocks.

#ifndef CLIENTS_CLI_CONFIG_REQUEST_H_
#define CLIENTS_CLI_CONFIG_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "llmgateway/v1/admin.pb.h"

namespace gateway {

extern const OperatorCommand kConfigCommand;

// Good is a configuration without mistakes, of `config check`.
// INVALID_ARGUMENT for words that are not meant, and for a configuration that
// is not right, with its problems; other errors are the system's, of a file
// that cannot be read, or the gateway's.
absl::StatusOr<Findings> AskConfig(const RpcPlace& place,
                                   const OperatorWords& words);

// What `config rollback` asks for.
absl::StatusOr<llmgateway::v1::RollbackConfigRequest> RollbackConfigRequestOf(
    const OperatorWords& words);

// A problem as a refusal tells it, with its place in the text:
// `applied by ann:3:5: routing: is odd` for the path `routing`.
llmgateway::v1::ConfigProblem ConfigProblemOf(const std::string& path,
                                              const std::string& description);

// For people: what is wrong, as in `gateway.yaml:3:5: error: ...`.
std::string ConfigProblemsText(
    const std::string& file,
    const google::protobuf::RepeatedPtrField<llmgateway::v1::ConfigProblem>&
        problems);

// For people: each field that has another value; one of several lines behind
// those that have one.
std::string ConfigChangesTable(
    const google::protobuf::RepeatedPtrField<llmgateway::v1::ConfigChange>&
        changes);

}  // namespace gateway

#endif  // CLIENTS_CLI_CONFIG_REQUEST_H_
