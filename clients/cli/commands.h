// RunCommand is gatewayctl without its main(): it does what a command line
// says, and says on the console what came of it.
//
//   return RunCommand(command, variables, streams.console());
//
// Thread contract: the main thread, which has no event loop; blocks.

#ifndef CLIENTS_CLI_COMMANDS_H_
#define CLIENTS_CLI_COMMANDS_H_

#include "clients/cli/command_line.h"
#include "clients/cli/console.h"

namespace gateway {

// Returns the exit code; with exec only if the program cannot be run.
int RunCommand(const CommandLine& command, const Variables& variables,
               const Console& console);

}  // namespace gateway

#endif  // CLIENTS_CLI_COMMANDS_H_
