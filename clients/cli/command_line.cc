#include "clients/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "clients/cli/alerts_request.h"
#include "clients/cli/audit_request.h"
#include "clients/cli/budgets_request.h"
#include "clients/cli/chat_request.h"
#include "clients/cli/circuits_request.h"
#include "clients/cli/config_request.h"
#include "clients/cli/contexts.h"
#include "clients/cli/daemon_words.h"
#include "clients/cli/health_request.h"
#include "clients/cli/keys_words.h"
#include "clients/cli/ledger_words.h"
#include "clients/cli/limits_request.h"
#include "clients/cli/logs_request.h"
#include "clients/cli/metrics_request.h"
#include "clients/cli/models_request.h"
#include "clients/cli/prices_request.h"
#include "clients/cli/providers_request.h"
#include "clients/cli/route_request.h"
#include "clients/cli/sessions_request.h"
#include "clients/cli/top.h"
#include "clients/cli/traces_request.h"

namespace gateway {
namespace {

using Verb = CommandLine::Verb;

constexpr absl::Duration kWaitMax = absl::Hours(1);
constexpr std::string_view kCcoName = "cco";

// A command, and what it takes behind it; null if it takes words of its own.
struct KnownCommand {
  std::string_view name;
  Verb verb;
  const OperatorCommand* asked = nullptr;
};
constexpr KnownCommand kKnownCommands[] = {
    {"chat", Verb::kChat, &kChatCommand},
    {"env", Verb::kEnv},
    {"exec", Verb::kExec},
    {"status", Verb::kStatus},
    {"rollout", Verb::kRollout},
    {"keys", Verb::kKeys, &kKeysCommand},
    {"limits", Verb::kLimits, &kLimitsCommand},
    {"audit", Verb::kAudit, &kAuditCommand},
    {"budgets", Verb::kBudgets, &kBudgetsCommand},
    {"prices", Verb::kPrices, &kPricesCommand},
    {"sessions", Verb::kSessions, &kSessionsCommand},
    {"ledger", Verb::kLedger, &kLedgerCommand},
    {"logs", Verb::kLogs, &kLogsCommand},
    {"metrics", Verb::kMetrics, &kMetricsCommand},
    {"traces", Verb::kTraces, &kTracesCommand},
    {"alerts", Verb::kAlerts, &kAlertsCommand},
    {"models", Verb::kModels, &kModelsCommand},
    {"providers", Verb::kProviders, &kProvidersCommand},
    {"circuits", Verb::kCircuits, &kCircuitsCommand},
    {"route", Verb::kRoute, &kRouteCommand},
    {"health", Verb::kHealth, &kHealthCommand},
    {"config", Verb::kConfig, &kConfigCommand},
    {"daemon", Verb::kDaemon, &kDaemonCommand},
    {"top", Verb::kTop, &kTopCommand},
    {"contexts", Verb::kContexts, &kContextsCommand},
    {"completion", Verb::kCompletion},
    {"man", Verb::kManual},
    {"help", Verb::kHelp},
    {"version", Verb::kVersion}};
// Said by what `completion` prints; nobody else needs it.
constexpr KnownCommand kCompleteCommand = {"complete", Verb::kComplete};

constexpr std::string_view kValuedFlags[] = {
    "--url",      "--pid_file",        "--wait",     "--daemon_config",
    "--ca_file",  "--cert_file",       "--key_file", "--admin",
    "--grpc",     "--gateway_context", kOutputFlag};
constexpr std::string_view kPlainFlags[] = {"--gateway", "--no-gateway",
                                            "--proxy",   "--no-proxy",
                                            "--help",    "--version"};

// Flags whose files are opened here, under whatever name they have.
constexpr std::string_view kFileFlags[] = {
    "--ca_file", "--cert_file", "--key_file", "--daemon_config", "--request",
    "--file",    "--archive",   "--out",      "--to",            "--check",
    "--prices"};

// What takes such files as its words, from which of them on.
struct FileWords {
  Verb verb;
  std::string_view what;
  size_t from;
};
constexpr FileWords kFileWords[] = {
    {Verb::kConfig, "check", 1},  {Verb::kConfig, "diff", 1},
    {Verb::kConfig, "apply", 1},  {Verb::kLedger, "verify", 1},
    {Verb::kLedger, "import", 1}, {Verb::kLedger, "reprice", 1},
    {Verb::kLedger, "prove", 2}};

absl::Status Mistake(std::string what) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; see gatewayctl --help"));
}

const KnownCommand* KnownCommandOf(std::string_view name) {
  if (name == kCompleteCommand.name) return &kCompleteCommand;
  for (const KnownCommand& each : kKnownCommands) {
    if (each.name == name) return &each;
  }
  return nullptr;
}

// Whether what follows is a program's own, flags too.
bool TakesProgram(Verb verb) {
  return verb == Verb::kExec || verb == Verb::kComplete;
}

void AddValued(std::string_view flag, CLI::App* app) {
  app->add_option(std::string(flag))
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

void AddPlain(std::string_view flag, CLI::App* app) {
  app->add_flag(flag == "--help" ? "-h,--help" : std::string(flag));
}

// The flags of one command: everyone's, and those of all that it does, which
// are told apart when it is known what that is.
void AddFlags(const OperatorCommand* asked, CLI::App* app) {
  app->allow_extras();  // Words; and flags that there are not, to be named.
  for (const std::string_view flag : kValuedFlags) AddValued(flag, app);
  for (const std::string_view flag : kPlainFlags) AddPlain(flag, app);
  if (asked == nullptr) return;
  const auto is_new = [app](std::string_view flag) {
    return app->get_option_no_throw(std::string(flag)) == nullptr;
  };
  for (const OperatorVerb& verb : asked->verbs) {
    for (const std::string_view flag : verb.flags) {
      if (is_new(flag)) AddValued(flag, app);
    }
    for (const std::string_view flag : verb.switches) {
      if (is_new(flag)) AddPlain(flag, app);
    }
  }
}

void AddCommand(const KnownCommand& command, CLI::App* root) {
  CLI::App* const app = root->add_subcommand(std::string(command.name));
  AddFlags(command.asked, app);
  if (TakesProgram(command.verb)) app->prefix_command();
}

// A number alone counts seconds.
absl::Status SetWait(const std::string& text, CommandLine* command) {
  double seconds = 0;
  bool read = absl::SimpleAtod(text, &seconds);
  if (read) {
    command->wait = absl::Seconds(seconds);
  } else {
    read = absl::ParseDuration(text, &command->wait);
  }
  if (!read || command->wait < absl::ZeroDuration() ||
      command->wait > kWaitMax) {
    return Mistake(absl::StrCat(
        "--wait must be a time from 0 to 1h, as in 10s, not '", text, "'"));
  }
  return absl::OkStatus();
}

absl::Status SetOutput(const std::string& text, CommandLine* command) {
  if (text != "json" && text != "table") {
    return Mistake(
        absl::StrCat("--output takes json or table, not '", text, "'"));
  }
  command->asked.as_json = text == "json";
  return absl::OkStatus();
}

// A flag that every command has.
absl::Status SetFlag(const std::string& name, const std::string& value,
                     CommandLine* command) {
  if (name == "--wait") return SetWait(value, command);
  if (name == kOutputFlag) return SetOutput(value, command);
  if (name == "--url") command->url = value;
  if (name == "--pid_file") command->pid_file = value;
  if (name == "--daemon_config") command->daemon_config = value;
  if (name == "--ca_file") command->ca_file = value;
  if (name == "--cert_file") command->cert_file = value;
  if (name == "--key_file") command->key_file = value;
  if (name == "--admin") command->admin = value;
  if (name == "--grpc") command->grpc = value;
  if (name == "--gateway_context") command->gateway_context = value;
  if (name == "--gateway") command->gateway_enabled = true;
  if (name == "--no-gateway") command->gateway_enabled = false;
  if (name == "--proxy") command->proxy_enabled = true;
  if (name == "--no-proxy") command->proxy_enabled = false;
  return absl::OkStatus();
}

bool IsFlagAmong(absl::Span<const std::string_view> flags,
                 std::string_view flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

// What is sent, kept or told must be a text.
absl::Status CheckIsText(std::string_view value, std::string_view where) {
  if (IsUtf8(value)) return absl::OkStatus();
  return Mistake(absl::StrCat(ToAbsl(where),
                              " is no text in UTF-8, which iconv makes of it"));
}

// The words behind a command, but for a program's own.
absl::Status CheckAreTexts(const KnownCommand& known,
                           const std::vector<std::string>& words) {
  size_t texts = words.size();
  for (const FileWords& files : kFileWords) {
    const bool is_meant =
        files.verb == known.verb && !words.empty() && words[0] == files.what;
    if (is_meant) texts = std::min(texts, files.from);
  }
  for (size_t i = 0; i < texts; ++i) {
    GATEWAY_RETURN_IF_ERROR(CheckIsText(
        words[i],
        absl::StrCat("word ", i + 1, " behind ", ToAbsl(known.name))));
  }
  return absl::OkStatus();
}

// The flags of one app, in the order in which they were said.
absl::Status TakeFlags(const CLI::App& app, CommandLine* command) {
  std::map<const CLI::Option*, size_t> taken;
  for (const CLI::Option* const option : app.parse_order()) {
    const std::string name = option->get_name();
    const std::string& value = option->results()[taken[option]++];
    if (value.empty()) return Mistake(absl::StrCat(name, " needs a value"));
    // As CLI11 says that a flag without a value was given.
    if (option->get_items_expected_max() == 0 && value != "true") {
      return Mistake(absl::StrCat(name, " takes no value"));
    }
    if (!IsFlagAmong(kFileFlags, name)) {
      GATEWAY_RETURN_IF_ERROR(CheckIsText(value, name));
    }
    if (IsFlagAmong(kValuedFlags, name) || IsFlagAmong(kPlainFlags, name)) {
      GATEWAY_RETURN_IF_ERROR(SetFlag(name, value, command));
    } else {
      command->asked.flags.emplace_back(name, value);
    }
  }
  return absl::OkStatus();
}

bool IsAsked(const CLI::App& app, const char* flag) {
  return app.get_option(flag)->count() > 0;
}

// What is no flag, unless it looks like one.
absl::StatusOr<std::vector<std::string>> WordsOf(const CLI::App& app) {
  std::vector<std::string> words = app.remaining();
  for (const std::string& word : words) {
    if (word.size() < 2 || word[0] != '-') continue;
    return Mistake(
        absl::StrCat("there is no flag ", word.substr(0, word.find('='))));
  }
  return words;
}

// What a command that asks nobody takes: one word, or none.
absl::Status TakeWord(const std::vector<std::string>& words, size_t max,
                      std::string* word) {
  if (words.size() > max) {
    return Mistake(absl::StrCat("'", words[max], "' is one word too many"));
  }
  if (!words.empty()) *word = words[0];
  return absl::OkStatus();
}

absl::Status TakeWords(const KnownCommand& known, const CLI::App& app,
                       const std::vector<std::string>& behind_dashes,
                       CommandLine* command) {
  std::vector<std::string> words;
  if (TakesProgram(known.verb)) {
    words = app.remaining();
    if (!words.empty() && words[0].size() > 1 && words[0][0] == '-') {
      return WordsOf(app).status();
    }
    // The dashes are the program's own if they stand behind its name.
    if (!words.empty() && !behind_dashes.empty()) words.emplace_back("--");
  } else {
    GATEWAY_ASSIGN_OR_RETURN(words, WordsOf(app));
  }
  words.insert(words.end(), behind_dashes.begin(), behind_dashes.end());
  if (TakesProgram(known.verb)) {
    command->program = std::move(words);
    return command->program.empty() ? Mistake("exec needs a program")
                                    : absl::OkStatus();
  }
  GATEWAY_RETURN_IF_ERROR(CheckAreTexts(known, words));
  if (known.asked != nullptr) {
    command->asked.words = std::move(words);
    return absl::OkStatus();
  }
  if (known.verb == Verb::kRollout) {
    return TakeWord(words, 1, &command->rollout);
  }
  return TakeWord(words, known.verb == Verb::kCompletion ? 1 : 0,
                  &command->shell);
}

// What CLI11 does not understand, in our words.
absl::Status MistakeOf(const CLI::ParseError& error) {
  const std::string what = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) == nullptr) {
    return Mistake(what);
  }
  return Mistake(
      absl::StrCat(what.substr(0, what.find_first_of(": ")), " needs a value"));
}

absl::Status Understand(const CLI::App& root,
                        const std::vector<std::string>& behind_dashes,
                        CommandLine* command) {
  const std::vector<CLI::App*> said = root.get_subcommands();
  const KnownCommand* const known =
      said.empty() ? nullptr : KnownCommandOf(said[0]->get_name());
  for (const CLI::App* const app :
       {&root, known == nullptr ? &root : said[0]}) {
    if (IsAsked(*app, "--help")) {
      if (known != nullptr) command->help_of = std::string(known->name);
      return absl::OkStatus();
    }
    if (!IsAsked(*app, "--version")) continue;
    command->verb = Verb::kVersion;
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<std::string> unknown,
                           WordsOf(root));
  if (!unknown.empty()) {
    return Mistake(absl::StrCat("there is no command '", unknown[0], "'"));
  }
  if (known == nullptr) return Mistake("say what to do");
  command->verb = known->verb;
  command->knows = known->asked;
  if (known->verb == Verb::kHelp) {
    const std::vector<std::string> about = said[0]->remaining();
    if (!about.empty()) command->help_of = about[0];
    return absl::OkStatus();
  }
  GATEWAY_RETURN_IF_ERROR(TakeFlags(root, command));
  GATEWAY_RETURN_IF_ERROR(TakeFlags(*said[0], command));
  return TakeWords(*known, *said[0], behind_dashes, command);
}

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& words) {
  CLI::App root;
  root.set_help_flag();
  AddFlags(nullptr, &root);
  for (const KnownCommand& each : kKnownCommands) AddCommand(each, &root);
  AddCommand(kCompleteCommand, &root);
  root.require_subcommand(0, 1);
  // Nothing behind two dashes is a flag.
  const auto dashes = std::find(words.begin(), words.end(), "--");
  std::vector<std::string> reversed(std::make_reverse_iterator(dashes),
                                    words.rend());
  CommandLine command;
  try {
    root.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return MistakeOf(error);
  }
  const std::vector<std::string> behind_dashes(
      dashes == words.end() ? dashes : dashes + 1, words.end());
  GATEWAY_RETURN_IF_ERROR(Understand(root, behind_dashes, &command));
  return command;
}

std::string NameOfProgram(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::vector<std::string> WordsOfProgram(std::string_view path,
                                        std::vector<std::string> words) {
  if (NameOfProgram(path) == kCcoName && words.empty()) {
    return {"exec", "--", "claude"};
  }
  return words;
}

absl::Span<const std::string_view> CommandNames() {
  static const auto* const names = [] {
    auto* const all = new std::vector<std::string_view>;
    for (const KnownCommand& each : kKnownCommands) all->push_back(each.name);
    return all;
  }();
  return *names;
}

absl::Span<const std::string_view> ValuedFlags() { return kValuedFlags; }
absl::Span<const std::string_view> PlainFlags() { return kPlainFlags; }

const OperatorCommand* OperatorCommandOf(std::string_view name) {
  const KnownCommand* const known = KnownCommandOf(name);
  return known == nullptr ? nullptr : known->asked;
}

}  // namespace gateway
