// CommandLine is what gatewayctl was told to do.
//
//   absl::StatusOr<CommandLine> command =
//       ParseCommandLine({"exec", "--wait", "10s", "--", "claude", "-p",
//       "hi"});
//
// Flags stand before or behind the command; what follows exec's program is the
// program's. CLI11 reads the words, by the tables of the commands.
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_COMMAND_LINE_H_
#define CLIENTS_CLI_COMMAND_LINE_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "clients/cli/operator_words.h"

namespace gateway {

// The process's environment, read by main.
using Variables = std::map<std::string, std::string>;

// Files in PEM for a connection over TLS; empty for what is not said.
struct TlsFiles {
  std::string ca;    // Whom to trust.
  std::string cert;  // As whom to connect, where the listener asks for that.
  std::string key;   // The private key of `cert`.
};

struct CommandLine {
  enum class Verb {
    kHelp,
    kVersion,
    kEnv,
    kExec,
    kStatus,
    kRollout,
    kKeys,
    kLimits,
    kBudgets,
    kAudit,
    kPrices,
    kTraces,
    kMetrics,
    kSessions,
    kLedger,
    kLogs,
    kAlerts,
    kModels,
    kChat,
    kProviders,
    kCircuits,
    kRoute,
    kHealth,
    kConfig,
    kDaemon,
    kTop,
    kContexts,
    kCompletion,
    kComplete,
    kManual,
  };

  // The name that this program goes by: a link of the name `cco` is told of
  // itself.
  std::string own_name = "gatewayctl";
  Verb verb = Verb::kHelp;
  // Of help: the command that is asked about; empty for all.
  std::string help_of;
  // What may stand behind the command; null where it takes words of its own.
  const OperatorCommand* knows = nullptr;
  // Where to look. Empty for what was not said.
  std::string url;
  std::string pid_file;
  // Whom to trust besides the system's bundle when asking over TLS.
  std::string ca_file;
  // The certificate to show over TLS, and its private key.
  std::string cert_file;
  std::string key_file;
  // For how long to look again.
  absl::Duration wait;
  // What to look for. Unset for what was not said.
  std::optional<bool> gateway_enabled;
  std::optional<bool> proxy_enabled;
  std::string daemon_config;
  // The gateway that is meant, by its name in the file of contexts.
  std::string gateway_context;
  // The context that applies, if it does not say where the gateway is, and
  // nobody who counts more does.
  std::string placeless_context;
  // Whom to trust at each listener and as whom to connect, by these or the
  // context that has placed it.
  TlsFiles url_tls;
  TlsFiles admin_tls;
  TlsFiles grpc_tls;
  // Where operators ask, and where callers do by gRPC.
  std::string admin;
  std::string grpc;
  // The variables that have the keys for them.
  std::string operator_key_variable = "GATEWAY_OPERATOR_KEY";
  std::string caller_key_variable = "GATEWAY_KEY";
  // Of rollout: what is to become of it: `off`, `on`, `reset`, a percentage, or
  // `status`.
  std::string rollout = "status";
  // Of keys, limits, prices, sessions, ledger and others: what to do.
  OperatorWords asked;
  // Of completion: the shell.
  std::string shell;
  // Of exec: the program and its arguments. Of complete: the words so far.
  std::vector<std::string> program;
};

// INVALID_ARGUMENT says which word is wrong. Words must be texts in UTF-8, but
// for a program's own and the names of files that are only opened. `words` come
// without the program's own name.
absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& words);

// The last part of the path that this program was run by.
std::string NameOfProgram(std::string_view path);

// The words that stand for those that a program of this name was given: all the
// same, but `cco` without any is Claude Code on the way through the gateway.
std::vector<std::string> WordsOfProgram(std::string_view path,
                                        std::vector<std::string> words);

// What there is to say first, and the flags of every command: those that have a
// value and those that have none.
absl::Span<const std::string_view> CommandNames();
absl::Span<const std::string_view> ValuedFlags();
absl::Span<const std::string_view> PlainFlags();

// What keys, limits, sessions and the like take; null for another command.
const OperatorCommand* OperatorCommandOf(std::string_view name);

}  // namespace gateway

#endif  // CLIENTS_CLI_COMMAND_LINE_H_
