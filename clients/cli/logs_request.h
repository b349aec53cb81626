// `gatewayctl logs`: how much of the gateway's log is written, and more or less
// of it.
//
//   OperatorWords words;
//   words.words = {"set-level", "debug"};
//   words.flags = {{"--module", "pipeline"}};
//   const absl::StatusOr<std::string> text = AskLogs(place, words);
//
// Thread-safe: plain functions; asking blocks.

#ifndef CLIENTS_CLI_LOGS_REQUEST_H_
#define CLIENTS_CLI_LOGS_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/logging.pb.h"

namespace gateway {

// What `logs` does.
extern const OperatorCommand kLogsCommand;

// Returns what to print: for people, or the response as JSON. INVALID_ARGUMENT
// for words that are not meant.
absl::StatusOr<std::string> AskLogs(const RpcPlace& place,
                                    const OperatorWords& words);

// The request that words come to.
absl::StatusOr<llmgateway::v1::SetLogLevelRequest> SetLogLevelRequestOf(
    const OperatorWords& words);

// The levels as a table, a line each.
std::string LogLevelsTable(
    const google::protobuf::RepeatedPtrField<llmgateway::v1::LogModule>&
        modules);

}  // namespace gateway

#endif  // CLIENTS_CLI_LOGS_REQUEST_H_
