#include "clients/cli/completion.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/string_view.h"
#include "clients/cli/command_line.h"
#include "clients/cli/operator_words.h"
#include "service/ledger/entry_names.h"

namespace gateway {
namespace {

using Words = std::vector<std::string_view>;

constexpr std::string_view kBash = R"bash(_gatewayctl() {
  local begun= word
  local -a words=()
  # A word that "=" and ":" have cut is one again; behind these follows what is
  # completed.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [[ ( "$word" == [=:]* || "$begun" == *[=:] ) && -n "$begun" ]]; then
      begun+="$word"
      words[${#words[@]}-1]="$begun"
    else
      begun="$word"
      words+=("$begun")
    fi
  done
  local cut=
  case "${COMP_WORDS[COMP_CWORD]}" in
    [=:]*) cut="$begun" ;;
    *) cut="${begun%"${COMP_WORDS[COMP_CWORD]}"}" ;;
  esac
  COMPREPLY=()
  while IFS= read -r word; do
    printf -v word %q "${word#"$cut"}"
    COMPREPLY+=("$word")
  done < <("${1/#\~/$HOME}" complete -- "${words[@]}" 2>/dev/null)
}
complete -o default -F _gatewayctl gatewayctl cco
)bash";
constexpr std::string_view kZsh = R"zsh(#compdef gatewayctl cco
_gatewayctl() {
  local -a found
  local -a begun=("${(@)words[2,CURRENT]}")
  local self="${words[1]/#\~/$HOME}"
  found=("${(@f)$("$self" complete -- "${(@Q)begun}" 2>/dev/null)}")
  if [[ -n "${found[1]}" ]]; then compadd -a found; else _files; fi
}
if [[ "${funcstack[1]}" == _gatewayctl ]]; then
  _gatewayctl "$@"
else
  (( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit -i; }
  compdef _gatewayctl gatewayctl cco
fi
)zsh";
constexpr std::string_view kFish = R"fish(function __gatewayctl_complete
  set -l words (commandline -opc)
  set -l begun (commandline -ct)
  set -l found ($words[1] complete -- $words[2..-1] "$begun" 2>/dev/null)
  if set -q found[1]
    printf '%s\n' $found
  else
    __fish_complete_path "$begun"
  end
end
complete -c gatewayctl -f -a '(__gatewayctl_complete)'
complete -c cco -f -a '(__gatewayctl_complete)'
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
      {"--type", Words(std::begin(kEntryTypes), std::end(kEntryTypes))},
      {"--decision",
       Words(std::begin(kEntryDecisions), std::end(kEntryDecisions))},
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

// A flag and the begin of its value in one word, as in `--output=j`; an empty
// flag if the word is none such.
struct ValuedWord {
  std::string_view flag;
  std::string_view value;
};

ValuedWord ReadValuedWord(std::string_view word) {
  const size_t equals = word.find('=');
  if (word.substr(0, 2) != "--" || equals == word.npos) return {};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

// What the value of a flag names.
NamesWanted NamesOfFlag(std::string_view flag) {
  if (flag == "--gateway_context") return NamesWanted::kContexts;
  if (flag == "--model") return NamesWanted::kModels;
  return NamesWanted::kNone;
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
  const ValuedWord valued = ReadValuedWord(words.back());
  if (said.flag.empty() && !valued.flag.empty()) {
    return NamesOfFlag(valued.flag);
  }
  if (!said.flag.empty()) return NamesOfFlag(said.flag);
  if (absl::StartsWith(words.back(), "-") || said.names > 0) {
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
  const ValuedWord valued =
      said.flag.empty() ? ReadValuedWord(begun) : ValuedWord();
  const Words all = !valued.flag.empty()           ? ValuesOf(valued.flag)
                    : !said.flag.empty()           ? ValuesOf(said.flag)
                    : absl::StartsWith(begun, "-") ? FlagsAt(said)
                                                   : WordsAt(said);
  const std::string before =
      valued.flag.empty() ? "" : absl::StrCat(ToAbsl(valued.flag), "=");
  std::vector<std::string> found;
  const auto add = [&](absl::string_view word) {
    std::string whole = absl::StrCat(before, word);
    // A line of several would be several words.
    const bool is_word =
        std::none_of(word.begin(), word.end(), absl::ascii_iscntrl);
    if (is_word && absl::StartsWith(whole, begun)) {
      found.push_back(std::move(whole));
    }
  };
  for (const std::string_view word : all) add(ToAbsl(word));
  for (const std::string& name : names) add(name);
  return found;
}

}  // namespace gateway
