#include "clients/cli/commands.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "base/process/exec_program.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "clients/cli/alerts_request.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/audit_request.h"
#include "clients/cli/budgets_request.h"
#include "clients/cli/chat.h"
#include "clients/cli/circuits_request.h"
#include "clients/cli/completion.h"
#include "clients/cli/config_request.h"
#include "clients/cli/contexts.h"
#include "clients/cli/daemon.h"
#include "clients/cli/daemon_words.h"
#include "clients/cli/failure_text.h"
#include "clients/cli/health_probe.h"
#include "clients/cli/health_request.h"
#include "clients/cli/help.h"
#include "clients/cli/keys_request.h"
#include "clients/cli/ledger_reprice.h"
#include "clients/cli/ledger_request.h"
#include "clients/cli/ledger_verify.h"
#include "clients/cli/limits_request.h"
#include "clients/cli/logs_request.h"
#include "clients/cli/metrics_request.h"
#include "clients/cli/models_request.h"
#include "clients/cli/no_route_hint.h"
#include "clients/cli/operator_words.h"
#include "clients/cli/prices_request.h"
#include "clients/cli/progress.h"
#include "clients/cli/providers_request.h"
#include "clients/cli/retrying.h"
#include "clients/cli/rollout_request.h"
#include "clients/cli/route_request.h"
#include "clients/cli/route_search.h"
#include "clients/cli/rpc_connection.h"
#include "clients/cli/sessions_request.h"
#include "clients/cli/status_report.h"
#include "clients/cli/switches.h"
#include "clients/cli/top.h"
#include "clients/cli/traces_request.h"
#include "service/discovery/pid_record.h"
#include "service/version.h"

namespace gateway {
namespace {

constexpr char kNoRoute[] =
    "No LLM routing mechanism enabled\n"
    "Enable the gateway with --gateway, GATEWAY_V2_ENABLED=true or "
    "gatewayEnabled in the\ndaemon's configuration.";

// A word that a shell takes as it is.
std::string Quoted(const std::string& word) {
  constexpr char kPlain[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "-_./:%";
  if (word.find_first_not_of(kPlain) == std::string::npos) return word;
  return absl::StrCat("'", absl::StrReplaceAll(word, {{"'", "'\\''"}}), "'");
}

int Fail(const CommandLine& command, std::ostream& err,
         const absl::Status& why) {
  err << FailureText(why, command.asked.as_json) << std::flush;
  return 1;
}

absl::StatusOr<Route> FindRoute(const CommandLine& command,
                                const Switches& switches,
                                const Variables& variables) {
  const RouteSearch search(command, switches, variables);
  absl::StatusOr<Route> route;
  RetryFor(search.is_given() ? absl::ZeroDuration() : command.wait, [&] {
    route = search.Find();
    return route.ok();
  });
  return route;
}

void PrintUnset(const std::vector<std::string>& names, std::ostream& out) {
  for (const std::string& name : names) out << "unset " << name << "\n";
}

int PrintEnvironment(const Route& route, std::ostream& out) {
  PrintUnset(route.unset, out);
  for (const auto& [name, value] : route.variables) {
    out << "export " << name << "=" << Quoted(value) << "\n";
  }
  return 0;
}

int Execute(const CommandLine& command, const Route& route, Variables variables,
            std::ostream& err) {
  err << route.note << "\n" << std::flush;
  for (const std::string& name : route.unset) variables.erase(name);
  for (const auto& [name, value] : route.variables) variables[name] = value;
  return Fail(command, err, ExecProgram(command.program, variables));
}

// The listener that says whether the gateway of a route is ready.
ReadyQuestion QuestionTo(const Route& route, const CommandLine& command) {
  const bool has_operations =
      route.record.has_value() && !route.record->operations_url.empty();
  if (has_operations) {
    return {route.record->operations_url, "/readyz", command.url_tls.ca};
  }
  return {route.url, "/health/ready", command.url_tls.ca};
}

int PrintStatus(const CommandLine& command, const Switches& switches,
                const Route& route, std::ostream& out) {
  const bool as_json = command.asked.as_json;
  // A proxy is not ours to ask.
  if (!switches.gateway) {
    out << StatusText(route, /*readout=*/nullptr, as_json);
    return 0;
  }
  const Readout readout = AskReady(QuestionTo(route, command));
  out << StatusText(route, &readout, as_json);
  return readout.ready ? 0 : 1;
}

std::string VariableOf(const Variables& variables, const char* name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string() : found->second;
}

// One listener, and how it is named.
struct ListenerWords {
  const std::string& said;
  const char* variable;
  std::string PidRecord::* address;
  const char* name;
  const char* flag;
};

// A context that says less than is needed is not passed over for whatever
// gateway runs on this machine.
absl::Status NoPlaceIn(const CommandLine& command, std::string_view flag) {
  return absl::FailedPreconditionError(
      absl::StrCat("the context ", command.placeless_context,
                   " does not say where that is; gatewayctl contexts set ",
                   command.placeless_context, " ", ToAbsl(flag),
                   " adds it, and --pid_file or --url names another gateway"));
}

// Where a listener may be named that was not found.
std::string ListenerHint(const ListenerWords& words) {
  return absl::StrCat("name it by ", words.flag, " HOST:PORT, $",
                      words.variable,
                      " or a context (gatewayctl contexts set), or start a "
                      "gateway by gatewayctl daemon start");
}

// Where it is: as told, or by the PID file on this machine.
absl::StatusOr<std::string> ListenerOf(const ListenerWords& words,
                                       const CommandLine& command,
                                       const Variables& variables) {
  if (!words.said.empty()) return words.said;
  const std::string told = VariableOf(variables, words.variable);
  if (!told.empty()) return told;
  if (!command.placeless_context.empty()) {
    return NoPlaceIn(command, absl::StrCat(words.flag, " HOST:PORT"));
  }
  const absl::StatusOr<Route> route =
      FindRoute(command, {.gateway = true}, variables);
  if (absl::IsNotFound(route.status())) {
    return absl::NotFoundError(
        absl::StrCat(route.status().message(), "; ", ListenerHint(words)));
  }
  if (!route.ok()) return route.status();
  // A port alone, as earlier gateways' files have it, may at 127.0.0.1 be
  // another program's, which no key is for.
  const PidRecord record = route->record.value_or(PidRecord());
  if (!(record.*words.address).empty()) return record.*words.address;
  return absl::NotFoundError(
      absl::StrCat("no address of the ", words.name, " listener is known; ",
                   ListenerHint(words)));
}

// Where operators ask, and as whom.
absl::StatusOr<RpcPlace> AdminOf(const CommandLine& command,
                                 const Variables& variables) {
  GATEWAY_ASSIGN_OR_RETURN(std::string address,
                           ListenerOf({.said = command.admin,
                                       .variable = "GATEWAY_ADMIN",
                                       .address = &PidRecord::admin_address,
                                       .name = "admin",
                                       .flag = "--admin"},
                                      command, variables));
  return RpcPlace{.address = std::move(address),
                  .key = VariableOf(variables, "GATEWAY_OPERATOR_KEY"),
                  .tls = command.admin_tls,
                  .key_variable = command.operator_key_variable};
}

// Where callers ask by gRPC, and as whom.
absl::StatusOr<RpcPlace> GrpcOf(const CommandLine& command,
                                const Variables& variables) {
  GATEWAY_ASSIGN_OR_RETURN(std::string address,
                           ListenerOf({.said = command.grpc,
                                       .variable = "GATEWAY",
                                       .address = &PidRecord::grpc_address,
                                       .name = "gRPC",
                                       .flag = "--grpc"},
                                      command, variables));
  return RpcPlace{.address = std::move(address),
                  .key = VariableOf(variables, "GATEWAY_KEY"),
                  .tls = command.grpc_tls,
                  .flag = "--grpc",
                  .key_variable = command.caller_key_variable};
}

int RunRollout(const CommandLine& command, const Variables& variables,
               std::ostream& out, std::ostream& err) {
  const absl::StatusOr<RpcPlace> admin = AdminOf(command, variables);
  if (!admin.ok()) return Fail(command, err, admin.status());
  const absl::StatusOr<RolloutShare> share =
      ChangeRollout({.admin = *admin,
                     .change = command.rollout,
                     .as_json = command.asked.as_json});
  if (!share.ok()) return Fail(command, err, share.status());
  out << (command.asked.as_json ? share->text
                                : StatusRow("rollout", share->text));
  return 0;
}

// Returns the exit code: `code`, unless the answer cannot be shown.
int PrintAnswer(const CommandLine& command, const std::string& text, int code,
                std::ostream& out, std::ostream& err) {
  const absl::Status written = WriteAnswer(text, out);
  return written.ok() ? code : Fail(command, err, written);
}

// Asks, and prints what was answered.
int RunAsked(absl::StatusOr<std::string> (*ask)(const RpcPlace&,
                                                const OperatorWords&),
             const CommandLine& command, const absl::StatusOr<RpcPlace>& place,
             std::ostream& out, std::ostream& err) {
  if (!place.ok()) return Fail(command, err, place.status());
  const absl::StatusOr<std::string> text = ask(*place, command.asked);
  if (!text.ok()) return Fail(command, err, text.status());
  return PrintAnswer(command, *text, 0, out, err);
}

absl::StatusOr<LedgerReport> Reprice(const CommandLine& command,
                                     const Variables& variables) {
  const OperatorWords& asked = command.asked;
  GATEWAY_RETURN_IF_ERROR(CheckReprice(asked));
  const std::string from = LastOf(asked, kPricesFlag);
  const bool of_gateway = RepricesGateway(asked);
  if (!of_gateway && from != kPricesOfGateway) {
    GATEWAY_ASSIGN_OR_RETURN(const llmgateway::v1::ListPricingResponse prices,
                             PricesToRepriceBy(asked));
    return RepriceLedger(asked, prices);
  }
  GATEWAY_ASSIGN_OR_RETURN(RpcPlace place, AdminOf(command, variables));
  const std::string address = place.address;
  GATEWAY_ASSIGN_OR_RETURN(const AdminConnection admin,
                           AdminConnection::Open(std::move(place)));
  // What a gateway has in its ledger has cost what it says, unless another list
  // is named.
  const bool gateways_prices = from.empty() || from == kPricesOfGateway;
  GATEWAY_ASSIGN_OR_RETURN(
      const llmgateway::v1::ListPricingResponse prices,
      gateways_prices ? ListAllPrices(admin, {}) : PricesToRepriceBy(asked));
  if (!of_gateway) return RepriceLedger(asked, prices);
  const auto exchanges = [&](absl::FunctionRef<void(std::string_view)> visit) {
    return VisitExchanges(admin, asked, visit);
  };
  return RepriceEntries(asked, prices, address, exchanges);
}

int RunLedgerCommand(const CommandLine& command, const Variables& variables,
                     const Console& console) {
  std::ostream& out = console.out;
  std::ostream& err = console.err;
  if (!command.asked.words.empty() && command.asked.words[0] == "reprice") {
    const absl::StatusOr<LedgerReport> report = Reprice(command, variables);
    if (!report.ok()) return Fail(command, err, report.status());
    out << report->text;
    return report->valid ? 0 : 1;
  }
  // Where both are the terminal, what is exported shows how far that is.
  const bool is_mixed =
      console.out_is_terminal &&
      command.asked.words == std::vector<std::string>{"export"};
  Progress progress(console, "ledger", "entries");
  const absl::StatusOr<bool> valid = RunLedger(
      command.asked, [&] { return AdminOf(command, variables); }, out,
      is_mixed ? nullptr : &progress);
  progress.End();
  if (!valid.ok()) return Fail(command, err, valid.status());
  return *valid ? 0 : 1;
}

int RunAudit(const CommandLine& command, const Variables& variables,
             std::ostream& out, std::ostream& err) {
  const absl::StatusOr<RpcPlace> admin = AdminOf(command, variables);
  const OperatorWords& asked = command.asked;
  const bool exports = !asked.words.empty() && asked.words[0] == "export";
  if (!exports || !admin.ok()) {
    return RunAsked(AskAudit, command, admin, out, err);
  }
  const absl::Status exported = ExportAudit(*admin, asked, out);
  return exported.ok() ? 0 : Fail(command, err, exported);
}

int RunMetrics(const CommandLine& command, const Variables& variables,
               std::ostream& out, std::ostream& err) {
  const absl::StatusOr<RpcPlace> admin = AdminOf(command, variables);
  if (!admin.ok()) return Fail(command, err, admin.status());
  const absl::Status printed = PrintMetrics(*admin, command.asked, out);
  return printed.ok() ? 0 : Fail(command, err, printed);
}

int PrintCompletion(const CommandLine& command, std::ostream& out,
                    std::ostream& err) {
  const absl::StatusOr<std::string_view> script =
      CompletionScript(command.shell);
  if (!script.ok()) return Fail(command, err, script.status());
  out << *script;
  return 0;
}

int RunOnRoute(const CommandLine& command, const Variables& variables,
               std::ostream& out, std::ostream& err) {
  const absl::StatusOr<Switches> switches = ReadSwitches(command, variables);
  if (!switches.ok()) return Fail(command, err, switches.status());
  if (!switches->gateway && !switches->proxy) {
    // What this shell was told before leads nowhere any more.
    if (command.verb == CommandLine::Verb::kEnv) {
      PrintUnset(RouteSearch(command, *switches, variables).NamesOfGateway(),
                 out);
    }
    return Fail(command, err, absl::FailedPreconditionError(kNoRoute));
  }
  if (!command.placeless_context.empty()) {
    return Fail(command, err, NoPlaceIn(command, "--url URL"));
  }
  const absl::StatusOr<Route> route = FindRoute(command, *switches, variables);
  if (!route.ok()) {
    return Fail(
        command, err,
        absl::Status(
            route.status().code(),
            absl::StrCat(switches->gateway ? "LLM Gateway" : "HTTP proxy",
                         " not available: ", route.status().message(), "\n",
                         NoRouteHint(command, *switches, variables))));
  }
  switch (command.verb) {
    case CommandLine::Verb::kEnv:
      return PrintEnvironment(*route, out);
    case CommandLine::Verb::kExec:
      return Execute(command, *route, variables, err);
    default:
      return PrintStatus(command, *switches, *route, out);
  }
}

int RunChat(const CommandLine& command, const Variables& variables,
            const Console& console) {
  const absl::StatusOr<RpcPlace> gateway = GrpcOf(command, variables);
  if (!gateway.ok()) return Fail(command, console.err, gateway.status());
  const absl::Status ended = Chat(*gateway, command.asked, console);
  return ended.ok() ? 0 : Fail(command, console.err, ended);
}

// Some of what models does is asked as a caller.
absl::StatusOr<RpcPlace> ModelsPlaceOf(const CommandLine& command,
                                       const Variables& variables) {
  return AsksAsCaller(command.asked) ? GrpcOf(command, variables)
                                     : AdminOf(command, variables);
}

int RunModels(const CommandLine& command, const Variables& variables,
              const Console& console) {
  const absl::StatusOr<RpcPlace> place = ModelsPlaceOf(command, variables);
  if (!place.ok()) return Fail(command, console.err, place.status());
  std::string note;
  const absl::StatusOr<std::string> text =
      AskModels(*place, command.asked, &note);
  if (!text.ok()) return Fail(command, console.err, text.status());
  console.err << note;
  return PrintAnswer(command, *text, 0, console.out, console.err);
}

// What needs no gateway that runs.
absl::Status WithOfflineHint(const CommandLine& command,
                             const absl::Status& why) {
  const bool is_check = command.verb == CommandLine::Verb::kConfig &&
                        command.asked.words[0] == "check";
  if (!is_check) return why;
  return absl::Status(
      why.code(),
      absl::StrCat(why.message(),
                   "\ngateway --config FILE --check_config checks a file "
                   "without one that runs"));
}

// Asks, prints what was found, and fails if that is bad.
int RunFindings(absl::StatusOr<Findings> (*ask)(const RpcPlace&,
                                                const OperatorWords&),
                const CommandLine& command, const Variables& variables,
                const Console& console) {
  const absl::StatusOr<RpcPlace> admin = AdminOf(command, variables);
  if (!admin.ok()) {
    return Fail(command, console.err, WithOfflineHint(command, admin.status()));
  }
  const absl::StatusOr<Findings> findings = ask(*admin, command.asked);
  if (!findings.ok()) return Fail(command, console.err, findings.status());
  return PrintAnswer(command, findings->text, findings->good ? 0 : 1,
                     console.out, console.err);
}

int RunTop(const CommandLine& command, const Variables& variables,
           const Console& console) {
  const absl::StatusOr<RpcPlace> admin = AdminOf(command, variables);
  if (!admin.ok()) return Fail(command, console.err, admin.status());
  const absl::Status ended = Top(*admin, command.asked, console);
  return ended.ok() ? 0 : Fail(command, console.err, ended);
}

int RunContextsCommand(const CommandLine& command, const Variables& variables,
                       const Console& console) {
  const absl::StatusOr<std::string> said = RunContexts(command, variables);
  if (!said.ok()) return Fail(command, console.err, said.status());
  console.out << *said;
  return 0;
}

int RunDaemonCommand(const CommandLine& command, const Variables& variables,
                     const Console& console) {
  if (command.asked.words != std::vector<std::string>{"status"}) {
    const absl::Status done = RunDaemon(command, variables, console);
    return done.ok() ? 0 : Fail(command, console.err, done);
  }
  const absl::StatusOr<DaemonFiles> files = DaemonFilesOf(command, variables);
  if (!files.ok()) return Fail(command, console.err, files.status());
  CommandLine status = command;
  status.pid_file = files->pid_file;
  status.url.clear();
  status.url_tls.ca = command.ca_file;
  status.gateway_enabled = true;
  return RunOnRoute(status, variables, console.out, console.err);
}

// Commands that ask one listener, and print its answer.
struct AskingCommand {
  CommandLine::Verb verb;
  absl::StatusOr<std::string> (*ask)(const RpcPlace&, const OperatorWords&);
  absl::StatusOr<RpcPlace> (*place)(const CommandLine&,
                                    const Variables&) = AdminOf;
};
constexpr AskingCommand kAskingCommands[] = {
    {CommandLine::Verb::kKeys, AskKeys},
    {CommandLine::Verb::kLimits, AskLimits},
    {CommandLine::Verb::kBudgets, AskBudgets},
    {CommandLine::Verb::kPrices, AskPrices},
    {CommandLine::Verb::kTraces, AskTraces},
    {CommandLine::Verb::kSessions, AskSessions, GrpcOf},
    {CommandLine::Verb::kLogs, AskLogs},
    {CommandLine::Verb::kAlerts, AskAlerts},
    {CommandLine::Verb::kProviders, AskProviders},
    {CommandLine::Verb::kCircuits, AskCircuits}};

int RunAsking(const CommandLine& command, const Variables& variables,
              const Console& console) {
  for (const AskingCommand& each : kAskingCommands) {
    if (each.verb != command.verb) continue;
    return RunAsked(each.ask, command, each.place(command, variables),
                    console.out, console.err);
  }
  return RunOnRoute(command, variables, console.out, console.err);
}

// Whether a command has no use for a gateway, and so for a context.
bool AsksNobody(CommandLine::Verb verb) {
  return verb == CommandLine::Verb::kHelp ||
         verb == CommandLine::Verb::kVersion ||
         verb == CommandLine::Verb::kManual ||
         verb == CommandLine::Verb::kCompletion ||
         verb == CommandLine::Verb::kComplete;
}

// Names that somebody has given: contexts', and models' of the gateway that
// the words so far mean. Whoever cannot tell them says nothing.
std::vector<std::string> NamesFor(NamesWanted wanted,
                                  const CommandLine& command,
                                  Variables variables) {
  if (wanted == NamesWanted::kNone) return {};
  if (wanted == NamesWanted::kContexts) return ContextNames(variables);
  CommandLine begun = WordsBegun(command.program);
  if (!ApplyContext(&begun, &variables).ok()) return {};
  const absl::StatusOr<RpcPlace> gateway = GrpcOf(begun, variables);
  return gateway.ok() ? ModelNames(*gateway) : std::vector<std::string>();
}

int PrintCompletions(const CommandLine& command, const Variables& variables,
                     std::ostream& out) {
  const std::vector<std::string> names =
      NamesFor(NamesWantedAt(command.program), command, variables);
  for (const std::string& word : CompletionsOf(command.program, names)) {
    out << word << "\n";
  }
  return 0;
}

int RunInContext(const CommandLine& command, const Variables& variables,
                 const Console& console) {
  std::ostream& out = console.out;
  std::ostream& err = console.err;
  switch (command.verb) {
    case CommandLine::Verb::kHelp:
      out << (command.help_of.empty() ? HelpText()
                                      : HelpTextOf(command.help_of));
      return 0;
    case CommandLine::Verb::kVersion:
      out << kVersion << "\n";
      return 0;
    case CommandLine::Verb::kManual:
      out << ManualPage();
      return 0;
    case CommandLine::Verb::kRollout:
      return RunRollout(command, variables, out, err);
    case CommandLine::Verb::kAudit:
      return RunAudit(command, variables, out, err);
    case CommandLine::Verb::kMetrics:
      return RunMetrics(command, variables, out, err);
    case CommandLine::Verb::kLedger:
      return RunLedgerCommand(command, variables, console);
    case CommandLine::Verb::kRoute:
      return RunFindings(AskRoute, command, variables, console);
    case CommandLine::Verb::kHealth:
      return RunFindings(AskHealth, command, variables, console);
    case CommandLine::Verb::kConfig:
      return RunFindings(AskConfig, command, variables, console);
    case CommandLine::Verb::kTop:
      return RunTop(command, variables, console);
    case CommandLine::Verb::kChat:
      return RunChat(command, variables, console);
    case CommandLine::Verb::kModels:
      return RunModels(command, variables, console);
    case CommandLine::Verb::kCompletion:
      return PrintCompletion(command, out, err);
    case CommandLine::Verb::kComplete:
      return PrintCompletions(command, variables, out);
    default:
      return RunAsking(command, variables, console);
  }
}

}  // namespace

int RunCommand(const CommandLine& command, const Variables& variables,
               const Console& console) {
  // What is not meant is told before anybody is looked for.
  if (command.knows != nullptr) {
    const absl::Status known = CheckWords(*command.knows, command.asked);
    if (!known.ok()) return Fail(command, console.err, known);
  }
  // What a context says is of no concern to contexts, and to a daemon.
  if (command.verb == CommandLine::Verb::kContexts) {
    return RunContextsCommand(command, variables, console);
  }
  if (command.verb == CommandLine::Verb::kDaemon) {
    return RunDaemonCommand(command, variables, console);
  }
  CommandLine in_context = command;
  Variables with_keys = variables;
  if (!AsksNobody(command.verb)) {
    const absl::Status applied = ApplyContext(&in_context, &with_keys);
    if (!applied.ok()) return Fail(command, console.err, applied);
  }
  // A program gets what it would without a context, and where the gateway is.
  const bool is_program = command.verb == CommandLine::Verb::kExec;
  return RunInContext(in_context, is_program ? variables : with_keys, console);
}

}  // namespace gateway
