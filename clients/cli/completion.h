// Completion of gatewayctl's words in a shell: what a shell is told once, and
// what it asks then, by `gatewayctl complete -- WORDS`, whenever its user wants
// a word completed.
//
//   CompletionsOf({"keys", "cr"})  // {"create"}
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_COMPLETION_H_
#define CLIENTS_CLI_COMPLETION_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gateway {

// What `gatewayctl completion SHELL` prints: for bash, zsh or fish;
// INVALID_ARGUMENT for any other.
absl::StatusOr<std::string_view> CompletionScript(const std::string& shell);

// What the last word may become, in the order of gatewayctl --help; nothing
// where any text may stand. `words` come without the program's own name.
std::vector<std::string> CompletionsOf(const std::vector<std::string>& words);

}  // namespace gateway

#endif  // CLIENTS_CLI_COMPLETION_H_
