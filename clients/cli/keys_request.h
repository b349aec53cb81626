// AskKeys does at a gateway's admin listener what `gatewayctl keys` says.
//
//   absl::StatusOr<std::string> text =
//       AskKeys({.address = "127.0.0.1:50052"}, words);
//   std::cout << *text;
//
// Thread-safe; blocks, for ten seconds at each call.

#ifndef CLIENTS_CLI_KEYS_REQUEST_H_
#define CLIENTS_CLI_KEYS_REQUEST_H_

#include <string>

#include "absl/status/statusor.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/rpc_connection.h"

namespace gateway {

// Returns what to print: for people, or the response as JSON, whose fields have
// their names of the contract. INVALID_ARGUMENT for words that are not meant.
absl::StatusOr<std::string> AskKeys(const RpcPlace& place,
                                    const OperatorWords& words);

}  // namespace gateway

#endif  // CLIENTS_CLI_KEYS_REQUEST_H_
