// RunCommand is gatewayctl without its main(): it does what a command line
// says, and says on the streams what came of it.
//
//   return RunCommand(command, variables, std::cout, std::cerr);
//
// Thread contract: one thread without an event loop; blocks.

#ifndef CLIENTS_CLI_COMMANDS_H_
#define CLIENTS_CLI_COMMANDS_H_

#include <ostream>

#include "clients/cli/command_line.h"

namespace gateway {

// Returns the exit code; with exec only if the program cannot be run.
int RunCommand(const CommandLine& command, const Variables& variables,
               std::ostream& out, std::ostream& err);

}  // namespace gateway

#endif  // CLIENTS_CLI_COMMANDS_H_
