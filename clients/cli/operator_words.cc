#include "clients/cli/operator_words.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

bool Takes(const OperatorVerb& verb, std::string_view flag) {
  const auto is_in = [flag](absl::Span<const std::string_view> flags) {
    return std::find(flags.begin(), flags.end(), flag) != flags.end();
  };
  return is_in(verb.flags) || is_in(verb.switches);
}

// Whether all words are what the one thing that it does is done to.
bool HasOneVerb(const OperatorCommand& command) {
  return command.verbs[0].word.empty();
}

// As in `keys create`.
std::string CommandText(const OperatorCommand& command,
                        const OperatorWords& words) {
  if (HasOneVerb(command) || words.words.empty()) {
    return std::string(command.name);
  }
  return absl::StrCat(ToAbsl(command.name), " ", words.words[0]);
}

// As in `create, list or get`.
std::string VerbsText(const OperatorCommand& command) {
  std::string text;
  for (size_t i = 0; i < command.verbs.size(); ++i) {
    const char* const between = i == 0                          ? ""
                                : i + 1 == command.verbs.size() ? " or "
                                                                : ", ";
    absl::StrAppend(&text, between, ToAbsl(command.verbs[i].word));
  }
  return text;
}

}  // namespace

bool IsFlagOf(const OperatorCommand& command, std::string_view flag) {
  return flag == kOutputFlag ||
         std::any_of(command.verbs.begin(), command.verbs.end(),
                     [&](const OperatorVerb& verb) {
                       return std::find(verb.flags.begin(), verb.flags.end(),
                                        flag) != verb.flags.end();
                     });
}

absl::Status CheckWords(const OperatorCommand& command,
                        const OperatorWords& words) {
  const std::string what =
      HasOneVerb(command) || words.words.empty() ? "" : words.words[0];
  const auto verb =
      std::find_if(command.verbs.begin(), command.verbs.end(),
                   [&](const OperatorVerb& each) { return each.word == what; });
  if (verb == command.verbs.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(command.name), " takes ", VerbsText(command),
                     ", not '", what, "'"));
  }
  for (const auto& [flag, value] : words.flags) {
    if (Takes(*verb, flag)) continue;
    return FlagMistake(
        flag, absl::StrCat("is not for ", CommandText(command, words)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> OneNameOf(const OperatorCommand& command,
                                      const OperatorWords& words,
                                      std::string_view what) {
  if (words.words.size() == 2) return words.words[1];
  return absl::InvalidArgumentError(absl::StrCat(CommandText(command, words),
                                                 " takes ", ToAbsl(what),
                                                 "; see gatewayctl --help"));
}

absl::Status CheckNoName(const OperatorCommand& command,
                         const OperatorWords& words) {
  const size_t expected = HasOneVerb(command) ? 0 : 1;
  if (words.words.size() <= expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(CommandText(command, words), " takes no '",
                   words.words[expected], "'; see gatewayctl --help"));
}

bool HasSwitch(const OperatorWords& words, std::string_view flag) {
  return !LastOf(words, flag).empty();
}

std::string LastOf(const OperatorWords& words, std::string_view flag) {
  std::string last;
  for (const auto& [name, value] : words.flags) {
    if (name == flag) last = value;
  }
  return last;
}

absl::Status FlagMistake(std::string_view flag, std::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat(ToAbsl(flag), " ", ToAbsl(what), "; see gatewayctl --help"));
}

}  // namespace gateway
