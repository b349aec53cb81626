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
#include "absl/types/span.h"
#include "clients/cli/command_line.h"

namespace gateway {

// What `gatewayctl completion SHELL` prints: for bash, zsh or fish;
// INVALID_ARGUMENT for any other.
absl::StatusOr<std::string_view> CompletionScript(const std::string& shell);

// Names that people have given, which the last word may become. `words` come
// without the program's own name here and below.
enum class NamesWanted { kNone, kContexts, kModels };
NamesWanted NamesWantedAt(const std::vector<std::string>& words);

// As far as the words before the last make a command, what they say, such as
// which gateway is meant.
CommandLine WordsBegun(std::vector<std::string> words);

// What the last word may become, in the order of gatewayctl --help, and then
// those of the `names`; nothing where any text may stand.
std::vector<std::string> CompletionsOf(
    const std::vector<std::string>& words,
    absl::Span<const std::string> names = {});

}  // namespace gateway

#endif  // CLIENTS_CLI_COMPLETION_H_
