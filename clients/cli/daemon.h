// RunDaemon does what `gatewayctl daemon` says: starts a gateway of this user
// in the background, stops it, and takes it back.
//
//   gatewayctl daemon restart && gatewayctl daemon logs --follow
//
// Thread contract: one thread without an event loop; blocks.

#ifndef CLIENTS_CLI_DAEMON_H_
#define CLIENTS_CLI_DAEMON_H_

#include "absl/status/status.h"
#include "clients/cli/command_line.h"
#include "clients/cli/console.h"

namespace gateway {

// Errors say what keeps it from being done. INVALID_ARGUMENT for words that are
// not meant. REQUIRES: what is to be done is not `status`.
absl::Status RunDaemon(const CommandLine& command, const Variables& variables,
                       const Console& console);

}  // namespace gateway

#endif  // CLIENTS_CLI_DAEMON_H_
