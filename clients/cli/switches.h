// Switches say which way requests go: through the gateway, through an HTTP
// proxy of older set-ups, or not at all. Turning the gateway off is how a
// roll-out is taken back.
//
//   absl::StatusOr<Switches> switches = ReadSwitches(command, variables);
//
// A flag counts more than the environment, that more than the daemon's file.
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_SWITCHES_H_
#define CLIENTS_CLI_SWITCHES_H_

#include "absl/status/statusor.h"
#include "clients/cli/command_line.h"

namespace gateway {

struct Switches {
  bool gateway = true;
  bool proxy = false;
};

// INVALID_ARGUMENT or what the system says names the variable or file that
// cannot be read.
absl::StatusOr<Switches> ReadSwitches(const CommandLine& command,
                                      const Variables& variables);

}  // namespace gateway

#endif  // CLIENTS_CLI_SWITCHES_H_
