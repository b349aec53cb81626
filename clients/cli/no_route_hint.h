// What to do where no way to the models was found.
//
//   std::cerr << NoRouteHint(command, switches, variables);
//
// Thread-safe: a plain function. Reads the daemon's file of switches.

#ifndef CLIENTS_CLI_NO_ROUTE_HINT_H_
#define CLIENTS_CLI_NO_ROUTE_HINT_H_

#include <string>

#include "clients/cli/command_line.h"
#include "clients/cli/switches.h"

namespace gateway {

// Sentences with a line end. Who runs the gateway by `daemon`, as those who
// know this program as cco do, starts it by that.
std::string NoRouteHint(const CommandLine& command, const Switches& switches,
                        const Variables& variables);

}  // namespace gateway

#endif  // CLIENTS_CLI_NO_ROUTE_HINT_H_
