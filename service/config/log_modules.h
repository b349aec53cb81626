// The modules that lines of the log are of: what `logging.module_levels` may
// name. The tidy test holds the list to the lines that the sources write.
//
// Thread-safe: constants.

#ifndef SERVICE_CONFIG_LOG_MODULES_H_
#define SERVICE_CONFIG_LOG_MODULES_H_

#include <string_view>

namespace gateway {

inline constexpr std::string_view kLogModules[] = {
    "access_log",  // Lines of the access log that could not be written.
    "alerts",      // Alerts that fire, and what could not be told of them.
    "audit",       // An audit log that is not written, and what it deletes.
    "budgets",     // Budgets that are nearly, or more than, spent.
    "config",      // Warnings about the configuration.
    "grpc",        // Connections that were closed for what their peer did.
    "grpc_core",   // What the gRPC C++ library says.
    "identity",    // Key sets of issuers of tokens.
    "keys",        // Keys that operators issue, change and revoke.
    "ledger",      // A ledger that cannot be written, and one that is again.
    "limits",      // Calls that rate limits refuse.
    "main",        // Start, signals, stop.
    "net",         // Connections that cannot be accepted.
    "overload",    // Memory that runs short, many calls that wait.
    "pipeline",    // Where calls go, each of their attempts, prompts.
    "providers",   // One that begins to fail, and one that is well again.
    "redis",       // A server that is down, and one that is up again.
    "refusals",    // What listeners refuse before it becomes a call.
    "sessions",    // Conversations that cannot be read.
    "state",       // What could not be kept on disk.
    "tracing",     // Spans that cannot be exported, or that go to the log.
};

}  // namespace gateway

#endif  // SERVICE_CONFIG_LOG_MODULES_H_
