// AskSessions does at a gateway's gRPC listener what `gatewayctl sessions`
// says.
//
//   OperatorWords words;
//   words.words = {"create"};
//   words.flags = {{"--ttl", "30m"}};
//   absl::StatusOr<std::string> text =
//       AskSessions({.address = "127.0.0.1:50051"}, words);
//   std::cout << *text;
//
// Thread-safe; blocks, for ten seconds.

#ifndef CLIENTS_CLI_SESSIONS_REQUEST_H_
#define CLIENTS_CLI_SESSIONS_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"

namespace gateway {

extern const OperatorCommand kSessionsCommand;

// Returns what to print: for people, or the response as JSON, whose fields have
// their names of the contract. INVALID_ARGUMENT for words that are not meant.
absl::StatusOr<std::string> AskSessions(const RpcPlace& place,
                                        const OperatorWords& words);

}  // namespace gateway

#endif  // CLIENTS_CLI_SESSIONS_REQUEST_H_
