// OperatorWords is what stands behind a command of gatewayctl that asks the
// gateway something, such as `keys` or `limits`: words, and flags that only
// such commands know.
//
//   // gatewayctl keys list --owner search
//   OperatorWords words;
//   words.words = {"list"};
//   words.flags = {{"--owner", "search"}};
//
// Mistakes are INVALID_ARGUMENT and name the word or flag.
//
// Thread-safe: plain functions.

#ifndef CLIENTS_CLI_OPERATOR_WORDS_H_
#define CLIENTS_CLI_OPERATOR_WORDS_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace gateway {

struct OperatorWords {
  // What to do, and to what.
  std::vector<std::string> words;
  // In the order in which they came; some may repeat.
  std::vector<std::pair<std::string, std::string>> flags;
  bool as_json = false;
};

// A thing that such a command does, the flags that it takes, and those that
// have no value. The word is empty where a command does one thing only: then
// all words are what it does that to.
struct OperatorVerb {
  std::string_view word;
  absl::Span<const std::string_view> flags;
  absl::Span<const std::string_view> switches;
};

struct OperatorCommand {
  std::string_view name;
  absl::Span<const OperatorVerb> verbs;
};

// How an answer is printed; for every command.
inline constexpr std::string_view kOutputFlag = "--output";

// Whether it is a flag, which has a value, of anything that the command does.
bool IsFlagOf(const OperatorCommand& command, std::string_view flag);

// Checks that the first word is one of the command's, and that it takes the
// flags.
absl::Status CheckWords(const OperatorCommand& command,
                        const OperatorWords& words);

// The one word behind the first, which is `what`, as in `one session's id`.
absl::StatusOr<std::string> OneNameOf(const OperatorCommand& command,
                                      const OperatorWords& words,
                                      std::string_view what);
// Checks that there is no word behind the first.
absl::Status CheckNoName(const OperatorCommand& command,
                         const OperatorWords& words);

// Whether a flag that has no value was given.
bool HasSwitch(const OperatorWords& words, std::string_view flag);

// The last value of a flag; empty if it was not given.
std::string LastOf(const OperatorWords& words, std::string_view flag);

absl::Status FlagMistake(std::string_view flag, std::string_view what);

}  // namespace gateway

#endif  // CLIENTS_CLI_OPERATOR_WORDS_H_
