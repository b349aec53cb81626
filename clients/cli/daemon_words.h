// What `gatewayctl daemon` does, and with which files: a gateway of this user,
// which runs in the background.
//
//   gatewayctl daemon start --config ~/.cco/config/gateway.yaml
//   gatewayctl daemon rollback
//
// Thread-safe: plain functions; what looks for files blocks.

#ifndef CLIENTS_CLI_DAEMON_WORDS_H_
#define CLIENTS_CLI_DAEMON_WORDS_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/process/process_identity.h"
#include "clients/cli/command_line.h"
#include "clients/cli/operator_words.h"

namespace gateway {

extern const OperatorCommand kDaemonCommand;

struct DaemonFiles {
  std::string pid_file;  // ~/.cco/daemon.pid
  std::string log;       // ~/.cco/daemon.log, beside the PID file
  std::string switches;  // ~/.cco/config/daemon-config.json
};

// INVALID_ARGUMENT if neither a flag nor HOME says where they are.
absl::StatusOr<DaemonFiles> DaemonFilesOf(const CommandLine& command,
                                          const Variables& variables);

// The gateway's program: as told, or `gateway` or `llm-gateway` beside this
// one, or along the PATH. The message says where it was looked for.
absl::StatusOr<std::string> DaemonProgramOf(const CommandLine& command,
                                            const Variables& variables);

// Its configuration: as told, or the first of the usual files that is there.
absl::StatusOr<std::string> DaemonConfigOf(const CommandLine& command,
                                           const Variables& variables);

// For how long a gateway that is asked to end may go on; 0 to 1h.
absl::StatusOr<absl::Duration> DaemonGraceOf(const OperatorWords& words);

// Keeps the flags that say how the gateway was started, or what the variables
// say in their place, beside its PID file, with paths from the root.
absl::Status RememberStart(const DaemonFiles& files, const OperatorWords& words,
                           const Variables& variables);

// Keeps beside that which process it has become.
absl::Status RememberProcess(const DaemonFiles& files,
                             const ProcessIdentity& process);

// Keeps beside that, or alone, that this process was asked to end.
absl::Status RememberAskedToEnd(const DaemonFiles& files,
                                const ProcessIdentity& process);

// Whether it was. False of one whose start is not known.
bool WasAskedToEnd(const DaemonFiles& files, const ProcessIdentity& process);

// The process that was started last, if it goes on: also one that is not ready
// yet, and so has no PID file.
std::optional<ProcessIdentity> StartedProcess(const DaemonFiles& files);

// The words, with the flags that were kept where they say nothing else.
// INVALID_ARGUMENT if what was kept cannot be read.
absl::StatusOr<OperatorWords> WithStart(const DaemonFiles& files,
                                        OperatorWords words);

// The text of the switches' file with these two; all else in it stays.
absl::StatusOr<std::string> WithSwitches(const std::string& text,
                                         bool gateway_enabled,
                                         bool proxy_enabled);

}  // namespace gateway

#endif  // CLIENTS_CLI_DAEMON_WORDS_H_
