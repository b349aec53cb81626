// Contexts are gateways that gatewayctl knows by name, in a file: where each
// listens, whom to trust, and which variables and files have the keys for it.
// No key is in the file itself.
//
//   gatewayctl contexts set test --admin test:50052 --grpc test:50051
//   gatewayctl contexts use test
//   gatewayctl --gateway_context prod health
//
// What a flag says counts more than a context that is named, that more than the
// environment, and that more than the context in use. Who says where a listener
// is, or where the whole gateway is (a URL, a PID file), says with which key or
// certificate, and whom to trust: a context's keys go to its own addresses, and
// nowhere else, nor is its certificate shown elsewhere.
//
// Thread-safe: plain functions; they read and write the file, and of those who
// change it at once each waits for the others.

#ifndef CLIENTS_CLI_CONTEXTS_H_
#define CLIENTS_CLI_CONTEXTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "clients/cli/command_line.h"
#include "clients/cli/operator_words.h"

namespace gateway {

extern const OperatorCommand kContextsCommand;

// Decides where the gateway is, also where no context is named or in use: fills
// in what the context says, and takes out of `variables` those that count less
// than who says it; they get the keys under their usual names, and `command`
// the names of the variables that had them. A context that does not say where
// the gateway is, where nobody who counts more does, becomes
// `placeless_context`: no other gateway is looked for. NOT_FOUND if there is
// none of the name; INVALID_ARGUMENT if the file cannot be read.
absl::Status ApplyContext(CommandLine* command, Variables* variables);

// Does what `contexts` says, and returns what to print. INVALID_ARGUMENT for
// words that are not meant. What `set` says is added to what the context has.
absl::StatusOr<std::string> RunContexts(const CommandLine& command,
                                        const Variables& variables);

// Those that there are, sorted; none if they cannot be read.
std::vector<std::string> ContextNames(const Variables& variables);

}  // namespace gateway

#endif  // CLIENTS_CLI_CONTEXTS_H_
