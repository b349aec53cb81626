#include "clients/cli/completion.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/string_view.h"
#include "clients/cli/command_line.h"
#include "clients/cli/operator_words.h"

namespace gateway {
namespace {

using Words = std::vector<std::string_view>;

constexpr std::string_view kBash = R"bash(_gatewayctl() {
  local IFS=$'\n'
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=($("$1" complete -- "${words[@]}" 2>/dev/null))
}
complete -o default -F _gatewayctl gatewayctl cco
)bash";
constexpr std::string_view kZsh = R"zsh(#compdef gatewayctl cco
_gatewayctl() {
  local -a found
  local -a begun=("${(@)words[2,CURRENT]}")
  found=("${(@f)$("${words[1]}" complete -- "${(@)begun}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
compdef _gatewayctl gatewayctl cco
)zsh";
constexpr std::string_view kFish = R"fish(function __gatewayctl_complete
  set -l words (commandline -opc) (commandline -ct)
  $words[1] complete -- $words[2..-1] 2>/dev/null
end
complete -c gatewayctl -a '(__gatewayctl_complete)'
complete -c cco -a '(__gatewayctl_complete)'
)fish";

constexpr std::string_view kShells[] = {"bash", "zsh", "fish"};
constexpr std::string_view kRolloutWords[] = {"off", "on", "reset", "status"};

// The values of a flag, where there are few.
struct FlagValues {
  std::string_view flag;
  Words values;
};

const std::vector<FlagValues>& KnownFlagValues() {
  static const auto* const known = new std::vector<FlagValues>{
      {kOutputFlag, {"json", "table"}},
      {"--state", {"active", "disabled"}},
      {"--type",
       {"DISPATCH", "EXCHANGE", "PROMPT_REJECTED", "ANSWER_REUSED",
        "BUDGET_ALLOCATE", "BUDGET_DEBIT", "BUDGET_WARNING"}},
      {"--order", {"newest", "oldest"}},
      {"--bucket", {"hour", "day"}},
      {"--by", {"agent", "provider", "model", "project", "key", "caller"}},
      {"--source", {"config", "operator", "shipped"}},
      {"--priority", {"low", "normal", "high", "critical"}}};
  return *known;
}

void Append(absl::Span<const std::string_view> more, Words* words) {
  words->insert(words->end(), more.begin(), more.end());
}

// What was said before the word that is completed.
struct Said {
  std::string_view verb;
  // What keys, limits and the like are to do.
  std::string_view what;
  // The flag whose value is completed; empty if that is none.
  std::string_view flag;
  // How many words stand behind what is to be done.
  int names = 0;
};

bool IsValued(std::string_view verb, std::string_view flag) {
  const absl::Span<const std::string_view> flags = ValuedFlags();
  if (std::find(flags.begin(), flags.end(), flag) != flags.end()) return true;
  const OperatorCommand* const command = OperatorCommandOf(verb);
  return command != nullptr && IsFlagOf(*command, flag);
}

Said ReadSaid(absl::Span<const std::string> words) {
  Said said;
  for (const std::string& word : words) {
    if (!said.flag.empty()) {
      said.flag = {};
    } else if (absl::StartsWith(word, "-")) {
      if (IsValued(said.verb, word)) said.flag = word;
    } else if (said.verb.empty()) {
      said.verb = word;
    } else if (said.what.empty()) {
      said.what = word;
    } else {
      ++said.names;
    }
  }
  return said;
}

Words FlagsAt(const Said& said) {
  Words flags;
  const OperatorCommand* const command = OperatorCommandOf(said.verb);
  if (command != nullptr) {
    for (const OperatorVerb& verb : command->verbs) {
      if (!verb.word.empty() && verb.word != said.what) continue;
      Append(verb.flags, &flags);
      Append(verb.switches, &flags);
    }
  }
  Append(ValuedFlags(), &flags);
  Append(PlainFlags(), &flags);
  return flags;
}

Words WordsAt(const Said& said) {
  Words words;
  if (said.verb.empty()) {
    Append(CommandNames(), &words);
  } else if (!said.what.empty()) {
    // A name or an id.
  } else if (said.verb == "rollout") {
    Append(kRolloutWords, &words);
  } else if (said.verb == "completion") {
    Append(kShells, &words);
  } else if (const auto* command = OperatorCommandOf(said.verb)) {
    for (const OperatorVerb& verb : command->verbs) {
      if (!verb.word.empty()) words.push_back(verb.word);
    }
  }
  return words;
}

Words ValuesOf(std::string_view flag) {
  for (const FlagValues& known : KnownFlagValues()) {
    if (known.flag == flag) return known.values;
  }
  return {};
}

}  // namespace

absl::StatusOr<std::string_view> CompletionScript(const std::string& shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return absl::InvalidArgumentError(
      absl::StrCat("completion takes bash, zsh or fish, not '", shell, "'"));
}

NamesWanted NamesWantedAt(const std::vector<std::string>& words) {
  if (words.empty()) return NamesWanted::kNone;
  const Said said =
      ReadSaid(absl::MakeConstSpan(words).first(words.size() - 1));
  if (said.verb == "exec" && !said.what.empty()) return NamesWanted::kNone;
  if (said.flag == "--gateway_context") return NamesWanted::kContexts;
  if (said.flag == "--model") return NamesWanted::kModels;
  const bool is_flag = absl::StartsWith(words.back(), "-");
  if (!said.flag.empty() || is_flag || said.names > 0) {
    return NamesWanted::kNone;
  }
  const bool is_context =
      said.verb == "contexts" &&
      (said.what == "use" || said.what == "set" || said.what == "remove");
  if (is_context) return NamesWanted::kContexts;
  const bool is_model = (said.verb == "models" && said.what == "get") ||
                        (said.verb == "prices" && said.what == "set");
  return is_model ? NamesWanted::kModels : NamesWanted::kNone;
}

CommandLine WordsBegun(std::vector<std::string> words) {
  // The last word is not whole yet, and may leave a flag without its value.
  while (!words.empty()) {
    words.pop_back();
    absl::StatusOr<CommandLine> begun = ParseCommandLine(words);
    if (begun.ok()) return *std::move(begun);
  }
  return {};
}

std::vector<std::string> CompletionsOf(const std::vector<std::string>& words,
                                       absl::Span<const std::string> names) {
  if (words.empty()) return {};
  const std::string& begun = words.back();
  const Said said =
      ReadSaid(absl::MakeConstSpan(words).first(words.size() - 1));
  // What follows is a program's own.
  if (said.verb == "exec" && !said.what.empty()) return {};
  const Words all = !said.flag.empty()             ? ValuesOf(said.flag)
                    : absl::StartsWith(begun, "-") ? FlagsAt(said)
                                                   : WordsAt(said);
  std::vector<std::string> found;
  for (const std::string_view word : all) {
    if (absl::StartsWith(ToAbsl(word), begun)) found.emplace_back(word);
  }
  for (const std::string& name : names) {
    if (absl::StartsWith(name, begun)) found.push_back(name);
  }
  return found;
}

}  // namespace gateway
