#include "clients/cli/operator_words.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

bool Takes(const OperatorVerb& verb, std::string_view flag) {
  return std::find(verb.flags.begin(), verb.flags.end(), flag) !=
         verb.flags.end();
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
         std::any_of(
             command.verbs.begin(), command.verbs.end(),
             [&](const OperatorVerb& verb) { return Takes(verb, flag); });
}

absl::Status CheckWords(const OperatorCommand& command,
                        const OperatorWords& words) {
  const std::string what = words.words.empty() ? "" : words.words[0];
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
        flag, absl::StrCat("is not for ", ToAbsl(command.name), " ", what));
  }
  return absl::OkStatus();
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
