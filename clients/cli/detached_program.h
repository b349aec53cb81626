// DetachedProgram is a program that goes on when gatewayctl has ended: in a
// session of its own, with a log file in place of a terminal.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       DetachedProgram gateway,
//       DetachedProgram::Start({"/usr/bin/gateway", "--pid_file", path},
//                              variables, "/u/ann/.cco/daemon.log"));
//   if (gateway.HasEnded()) ...
//
// Thread-compatible.

#ifndef CLIENTS_CLI_DETACHED_PROGRAM_H_
#define CLIENTS_CLI_DETACHED_PROGRAM_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/process/process_identity.h"
#include "clients/cli/command_line.h"

namespace gateway {

class DetachedProgram {
 public:
  // Both its outputs are appended to the log, which its owner alone may read.
  // Fails if there is no such program, or the log cannot be written.
  // REQUIRES: `command` is not empty; its first word is a path.
  static absl::StatusOr<DetachedProgram> Start(
      const std::vector<std::string>& command, const Variables& variables,
      const std::string& log_path);

  pid_t pid() const { return pid_; }

  // Whether it has ended, so that it will do nothing more.
  bool HasEnded();

  // Waits for its end. Returns whether it ended with 0.
  bool Wait();

 private:
  explicit DetachedProgram(pid_t pid) : pid_(pid) {}

  pid_t pid_;
  bool ended_ = false;
};

// Asks a process to end. Fails if it may not be asked. One that has ended
// before is no failure.
absl::Status AskToEnd(const ProcessIdentity& process);

// Waits for the end of a process, and makes it end if it has not after `grace`.
// Returns whether it ended of its own accord. One that has ended before is no
// failure. Blocks.
absl::StatusOr<bool> EndWithin(const ProcessIdentity& process,
                               absl::Duration grace);

}  // namespace gateway

#endif  // CLIENTS_CLI_DETACHED_PROGRAM_H_
