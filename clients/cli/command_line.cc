#include "clients/cli/command_line.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/alerts_request.h"
#include "clients/cli/audit_request.h"
#include "clients/cli/budgets_request.h"
#include "clients/cli/keys_words.h"
#include "clients/cli/ledger_words.h"
#include "clients/cli/limits_request.h"
#include "clients/cli/logs_request.h"
#include "clients/cli/metrics_request.h"
#include "clients/cli/models_request.h"
#include "clients/cli/prices_request.h"
#include "clients/cli/sessions_request.h"
#include "clients/cli/traces_request.h"

namespace gateway {
namespace {

using Verb = CommandLine::Verb;

constexpr absl::Duration kWaitMax = absl::Hours(1);

constexpr std::string_view kCommandNames[] = {
    "env",     "exec",   "status",     "rollout", "keys",   "limits",  "audit",
    "budgets", "prices", "sessions",   "ledger",  "logs",   "metrics", "traces",
    "alerts",  "models", "completion", "help",    "version"};
constexpr Verb kVerbs[] = {
    Verb::kEnv,        Verb::kExec,     Verb::kStatus, Verb::kRollout,
    Verb::kKeys,       Verb::kLimits,   Verb::kAudit,  Verb::kBudgets,
    Verb::kPrices,     Verb::kSessions, Verb::kLedger, Verb::kLogs,
    Verb::kMetrics,    Verb::kTraces,   Verb::kAlerts, Verb::kModels,
    Verb::kCompletion, Verb::kHelp,     Verb::kVersion};
static_assert(std::size(kCommandNames) == std::size(kVerbs));
// Said by what `completion` prints.
constexpr std::string_view kCompleteCommand = "complete";

constexpr std::string_view kValuedFlags[] = {
    "--url",     "--pid_file", "--wait", "--daemon_config",
    "--ca_file", "--admin",    "--grpc"};
constexpr std::string_view kPlainFlags[] = {"--gateway", "--no-gateway",
                                            "--proxy",   "--no-proxy",
                                            "--help",    "--version"};

constexpr std::string_view kHelp =
    R"help(gatewayctl finds the LLM gateway that runs on this machine.

  gatewayctl env                   print what points SDKs at it, for a shell:
                                     eval "$(gatewayctl env)"
  gatewayctl exec -- CMD ARGS...   run a program that is pointed at it
  gatewayctl status                say where it listens and whether it is ready
  gatewayctl rollout WHAT          change the share of callers that the rules
                                   are for: off, on, a percentage as in 25, or
                                   reset, to what the configuration says; status
                                   only tells
  gatewayctl keys create | list | get ID | update ID | rotate ID | revoke ID
                                   issue keys to callers, and take them back
  gatewayctl limits list | reset NAME
                                   show how full limits are, the fullest first,
                                   and give back what was taken of one
  gatewayctl budgets list | get NAME | allocate NAME | reset NAME | session ID
                                   show how budgets stand and what a session
                                   took, give a scope limits of its own, and
                                   give back what was spent
  gatewayctl audit search | get ID | export
                                   find what the gateway has kept of calls; an
                                   export is a line of JSON for each
  gatewayctl prices list | set MODEL | remove MODEL
                                   show what models cost, say so, and take that
                                   back
  gatewayctl sessions create | get ID | delete ID
                                   open, show and forget conversations that the
                                   gateway keeps, as the caller who has them
  gatewayctl ledger query | get ID | export
                                   show entries of the ledger, one of them, or
                                   all as lines of JSON; of a gateway, or with
                                   --file of this machine
  gatewayctl ledger verify [FILE...]
                                   say whether ledgers on this machine, a
                                   gateway's file or lines of JSON, are what was
                                   written; several are one chain. Without a
                                   file a gateway checks its own
  gatewayctl ledger import FILE... --to FILE
                                   make a gateway's ledger of lines of JSON
  gatewayctl ledger archive --before MONTH --out DIR
                                   take whole months out of a ledger of replicas
                                   into files, with --postgres
  gatewayctl ledger prove ID [FILE]
                                   prove that an entry is one of those that a
                                   Merkle root stands for, or check that
  gatewayctl ledger reprice [FILE...]
                                   compute anew what each exchange of a ledger
                                   has cost, say which differ, and add up;
                                   without a file, of the gateway's ledger
  gatewayctl metrics show [NAME...] | watch [NAME...] | cost
                                   show what the gateway counts, once, for a
                                   window of time or as it goes on, and what
                                   calls have cost
  gatewayctl traces list | get ID  show how calls went, step by step, as far as
                                   the gateway has traced and kept that
  gatewayctl alerts list | silence NAME
                                   show what is wrong and who was told, or have
                                   an alert tell nobody for a time
  gatewayctl models disabled | enable PROVIDER/MODEL | disable PROVIDER/MODEL
                                   show which models operators or alerts have
                                   disabled, have calls go to one again, or to
                                   no longer go there
  gatewayctl logs levels | set-level LEVEL
                                   show how much of the log is written, and
                                   change that while the gateway runs: trace,
                                   debug, info, warn, error, off, or configured,
                                   which takes back what was set
  gatewayctl completion SHELL      print what completes its words in bash, zsh
                                   or fish: eval "$(gatewayctl completion bash)"
  gatewayctl help | version

Flags stand before or behind the command.

What is set:
  ANTHROPIC_BASE_URL      the gateway's URL
  OPENAI_BASE_URL         the same and /v1
  GOOGLE_GEMINI_BASE_URL  the gateway's URL

Where it looks; the first that is given counts:
  --url URL               this gateway, without looking for one
  --pid_file FILE         the file that the gateway was given as --pid_file
  $GATEWAY_URL            as --url
  $GATEWAY_PID_FILE       as --pid_file
  otherwise               ~/.llm-gateway/gateway.pid, then ~/.cco/daemon.pid

  --wait TIME             look again for so long, as in 10s or 500ms, while
                          there is no gateway; by default it looks once

What status asks:
  a gateway found by its PID file at its operations listener, /readyz; one that
  was named by its URL there, /health/ready
  --ca_file FILE          certificates in PEM to trust, besides the system's

What keys, limits, budgets, prices, sessions, ledger, logs, metrics, traces,
alerts and models take:
  --output json           prints what the gateway answers, and ledger what it
                          finds, as JSON; otherwise for people

What keys takes:
  --owner WHO             create, update: whom it belongs to; list: of this one
  --name TEXT             create, update: a name for people
  --scope KIND:NAME       create, update: what it is for, as in model:gpt-5*;
                          several times for several
  --label NAME=VALUE      create, update: a label of its calls; several times
  --limit UNIT=N/TIME/BURST
                          create, update: how much may be asked for with it, as
                          in requests=60/1m, total_tokens=100000/1h, cost=5/24h
                          (dollars) or concurrent_calls=4; BURST, as in
                          requests=60/1m/10, is how much at once, N without it;
                          several times
  --priority WHICH        create, update: low, normal, high or critical
  --ttl TIME              create: how long it is good, as in 720h
  --expires TIME          create, update: until when, as in 2027-01-31T00:00:00Z
  --request_id TEXT       create: the same text makes no second key
  --state WHICH           update: active or disabled; list: of this state
  --grace TIME            rotate: how long the old secret is good
  --etag ETAG             update, rotate, revoke: only if it is still the key's
  update empties scopes, labels or limits by none, and an expiry by never

What limits takes:
  --rule NAME             list: only this limit; key for those of keys
  --subject TEXT          list: only of this caller, user, model and so on;
                          reset: only of what is named so, as in user=ann;
                          several times for several

What ledger takes:
  --file FILE             query, get, export: reads this ledger, a gateway's
                          file or lines of JSON, and asks no gateway; several
                          times for several
  --postgres CONNINFO     verify, query, get, export, prove: reads the ledger of
                          replicas in this database, and asks no gateway;
                          archive: the database; a password is in PGPASSWORD or
                          a password file
  --schema NAME           with --postgres: the schema that it is in; by default
                          llm_gateway
  --chain NAME            verify, query, export, prove: only this chain, of a
                          ledger of replicas
  --before MONTH          archive: the months before this one, as in 2026-09
  --out DIR               archive: where the files go
  --archive DIR           get, prove: reads the files of archives in this
                          folder; verify: with --postgres, verifies them, too
  --check FILE            prove: checks this proof, and needs nothing else
  --root HEX              prove: with --check, the Merkle root, as it was noted
  --type TYPE             query, export: only entries of this type, as EXCHANGE;
                          several times for any of several
  --submission, --session, --agent, --decision, --request, --caller, --provider,
  --model TEXT            query, export: only entries with this
  --since, --until TIME   query, export: only entries from then on, or before;
                          a time as in 2027-01-31T00:00:00Z, or how long ago as
                          in 24h
  --limit N               query: so many entries at most; by default 100
  --order WHICH           query: newest, the default, or oldest, first
  --after N               verify, by a gateway or of one chain: only what is
                          behind this entry
  --noted HASH            verify, of files and with --postgres: the last hash
                          that an earlier check has told, which must be there
  --prices FILE           reprice: by what prices list --output json has
                          printed; gateway asks the gateway, as prices does; by
                          default files are repriced by what is built in, and a
                          gateway's ledger by its own prices
  --to FILE               import: the ledger to make, which must not be there

What budgets takes:
  --rule NAME             list: only this budget
  --subject TEXT          list: only of this user, session and so on; otherwise
                          the scope, as in user=ann, each dimension once
  --limit N               allocate: tokens in a window
  --limit_usd DOLLARS     allocate: dollars, as in 2.50
  --turn_limit N          allocate: calls in a window
  --timeout TIME          allocate: for how long, as in 1h
  --remove true           allocate: what the configuration says, again

What audit takes:
  --since, --until TIME   search, export: from then on, or before; a time as in
                          2027-01-31T00:00:00Z, or how long ago as in 24h
  --caller, --agent, --agent_type, --provider, --project, --model, --request
                          search, export: only calls of that
  --outcome WHAT          search, export: succeeded or failed
  --failure REASON        search, export: failed for this, as in RATE_LIMITED
  --kind WHICH            search, export: call, or of what the log tells of
                          itself deletion, loss or disclosure; otherwise call
  --limit N               search, export: so many; 100, all
  --bodies yes            with what was said, which is recorded

What prices takes:
  --kind WHICH            the kind of provider, as in openai; otherwise any
  --model NAME            list: only prices that this model may have
  --source WHICH          list: only those shipped, config or operator
  --input_usd PRICE, --output_usd PRICE, --cached_input_usd PRICE,
  --cache_write_usd PRICE, --cache_write_1h_usd PRICE, --reasoning_usd PRICE,
  --audio_input_usd PRICE, --audio_output_usd PRICE,
  --image_input_usd PRICE, --image_output_usd PRICE
                          set: dollars for a million tokens; the first two are
                          required
  --step tier=WHICH,above=TOKENS,input=USD,output=USD,...
                          set: what it costs in the tier batch, flex or
                          priority, or with longer prompts; several times
  --from TIME             set, remove: from when on, as in 2027-01-31T00:00:00Z

What metrics takes:
  --window TIME           show: of counters and histograms what was added in the
                          last 1m to 1h; without it, all since the start
  --interval TIME         watch: from one reading to the next, 1s to 1h; 10s
  --count N               watch: so many readings; without it, until it is ended
  --by LIST               cost: apart by agent, provider, model, project, key or
                          caller, or several, as in provider,model
  --bucket WHICH          cost: apart by hour or day
  --since, --until TIME   cost: as in 2027-01-31T00:00:00Z, or 24h for as long
                          ago; the hours that these are in, whole
  --agent, --provider, --model, --project, --key, --caller NAME
                          cost: only calls of that
  --limit N               cost: the N dearest groups; 100

What traces takes:
  --outcome WHICH         list: failed or succeeded calls only
  --provider NAME         list: only calls that went there
  --model NAME            list: only calls that named this model, or it served
  --since TIME            list: only calls that ended within this time, as in 1h
  --min_duration TIME     list: only calls that took at least so long, as in 5s
  --count N               list: at most so many, 1 to 1000; 20 without it

What alerts takes:
  --for TIME              silence: for how long, as in 1h; 0s ends a silence

What models takes:
  --reason TEXT           enable, disable: why, for people

What logs takes:
  --module NAME           set-level: only of this module; all without it

What sessions takes:
  --ttl TIME              create: how long it is kept unused, as in 30m
  --context JSON          create: an object that is kept with it

Whom sessions asks:
  --grpc ADDRESS          the gRPC listener, as host:port; otherwise $GATEWAY,
                          or that of the PID file
  $GATEWAY_KEY            the caller's key, where one is asked for
  --ca_file FILE          asks over TLS, trusting these certificates

Whom rollout, keys, limits, audit, budgets, prices, ledger, logs, metrics,
traces, alerts and models ask:
  --admin ADDRESS         the admin listener, as host:port; otherwise
                          $GATEWAY_ADMIN, or that of the PID file
  $GATEWAY_OPERATOR_KEY   the operator's key, where one is asked for
  --ca_file FILE          asks over TLS, trusting these certificates

Which way requests go:
  --gateway, --no-gateway through the gateway, or not; the default is to
  --proxy, --no-proxy     without the gateway: through the HTTP proxy whose
                          proxy_port is in the PID file, by HTTPS_PROXY and
                          HTTP_PROXY; the default is not to
  --daemon_config FILE    a JSON file with gatewayEnabled and proxyEnabled;
                          by default ~/.cco/config/daemon-config.json
  A flag counts more than the environment ($GATEWAY_V2_ENABLED or
  $ENABLE_GATEWAY_V2, for the gateway), and that more than the file.

It exits with 0 if all is well; with 1 and a hint if there is no gateway, if it
does not answer or is not ready (status), if a ledger is not valid (ledger
verify) or a proof is not (ledger prove --check), if it does not agree (ledger
reprice), or if a word is not understood. exec exits as its program does.
)help";

absl::Status Mistake(std::string what) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, "; see gatewayctl --help"));
}

absl::Status SetVerb(const std::string& word, CommandLine* command) {
  if (word == "--help" || word == "-h") {
    command->verb = Verb::kHelp;
    return absl::OkStatus();
  }
  const auto name =
      std::find(std::begin(kCommandNames), std::end(kCommandNames),
                word == "--version" ? "version" : word);
  if (name == std::end(kCommandNames)) {
    if (word != kCompleteCommand) {
      return Mistake(absl::StrCat("there is no command '", word, "'"));
    }
    command->verb = Verb::kComplete;
    return absl::OkStatus();
  }
  command->verb = kVerbs[name - std::begin(kCommandNames)];
  return absl::OkStatus();
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

// Goes through the words one by one.
class WordReader {
 public:
  WordReader(const std::vector<std::string>& words, CommandLine* command)
      : words_(words), command_(*command) {}

  absl::Status ReadAll() {
    bool has_verb = false;
    while (!IsAtEnd()) {
      const std::string& word = words_[next_];
      if (word == "--help" || word == "-h" || word == "--version") {
        return SetVerb(word, &command_);
      }
      if (word != "--" && absl::StartsWith(word, "-")) {
        GATEWAY_RETURN_IF_ERROR(ReadFlag());
      } else if (!has_verb) {
        GATEWAY_RETURN_IF_ERROR(SetVerb(word, &command_));
        has_verb = true;
        ++next_;
        // What else may be asked about.
        if (command_.verb == Verb::kHelp) return absl::OkStatus();
        if (command_.verb == Verb::kComplete) return ReadProgram();
      } else if (command_.verb == Verb::kExec) {
        return ReadProgram();
      } else if (command_.verb == Verb::kRollout && !has_share_) {
        command_.rollout = word;
        has_share_ = true;
        ++next_;
      } else if (OperatorCommandOf(command_.verb) != nullptr) {
        command_.asked.words.push_back(word);
        ++next_;
      } else if (command_.verb == Verb::kCompletion && command_.shell.empty()) {
        command_.shell = word;
        ++next_;
      } else {
        return Mistake(absl::StrCat("'", word, "' is one word too many"));
      }
    }
    if (!has_verb) return Mistake("say what to do");
    if (command_.verb == Verb::kExec) return ReadProgram();
    return absl::OkStatus();
  }

 private:
  bool IsAtEnd() const { return next_ == words_.size(); }

  absl::Status ReadProgram() {
    if (!IsAtEnd() && words_[next_] == "--") ++next_;
    command_.program.assign(words_.begin() + static_cast<ptrdiff_t>(next_),
                            words_.end());
    if (command_.program.empty()) return Mistake("exec needs a program");
    return absl::OkStatus();
  }

  absl::Status ReadFlag() {
    const std::string word = words_[next_++];
    if (word == "--gateway" || word == "--no-gateway") {
      command_.gateway_enabled = word == "--gateway";
    } else if (word == "--proxy" || word == "--no-proxy") {
      command_.proxy_enabled = word == "--proxy";
    } else {
      return ReadValued(word);
    }
    return absl::OkStatus();
  }

  // `--name=value` or `--name value`.
  absl::Status ReadValued(const std::string& word) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const OperatorCommand* const asked = OperatorCommandOf(command_.verb);
    const bool is_of_verb = asked != nullptr && IsFlagOf(*asked, name);
    if (!is_of_verb &&
        std::find(std::begin(kValuedFlags), std::end(kValuedFlags), name) ==
            std::end(kValuedFlags)) {
      return Mistake(absl::StrCat("there is no flag ", name));
    }
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (!IsAtEnd()) {
      value = words_[next_++];
    }
    if (value.empty()) return Mistake(absl::StrCat(name, " needs a value"));
    if (is_of_verb) return SetVerbsFlag(name, value);
    if (name == "--wait") return SetWait(value, &command_);
    if (name == "--url") command_.url = value;
    if (name == "--pid_file") command_.pid_file = value;
    if (name == "--daemon_config") command_.daemon_config = value;
    if (name == "--ca_file") command_.ca_file = value;
    if (name == "--admin") command_.admin = value;
    if (name == "--grpc") command_.grpc = value;
    return absl::OkStatus();
  }

  absl::Status SetVerbsFlag(const std::string& name, const std::string& value) {
    if (name != kOutputFlag) {
      command_.asked.flags.emplace_back(name, value);
    } else if (value == "json" || value == "table") {
      command_.asked.as_json = value == "json";
    } else {
      return Mistake(
          absl::StrCat("--output takes json or table, not '", value, "'"));
    }
    return absl::OkStatus();
  }

  const std::vector<std::string>& words_;
  size_t next_ = 0;
  bool has_share_ = false;  // Of rollout: what is to become of it.
  CommandLine& command_;
};

}  // namespace

absl::StatusOr<CommandLine> ParseCommandLine(
    const std::vector<std::string>& words) {
  CommandLine command;
  GATEWAY_RETURN_IF_ERROR(WordReader(words, &command).ReadAll());
  return command;
}

absl::Span<const std::string_view> CommandNames() { return kCommandNames; }
absl::Span<const std::string_view> ValuedFlags() { return kValuedFlags; }
absl::Span<const std::string_view> PlainFlags() { return kPlainFlags; }

const OperatorCommand* OperatorCommandOf(Verb verb) {
  switch (verb) {
    case Verb::kKeys:
      return &kKeysCommand;
    case Verb::kLimits:
      return &kLimitsCommand;
    case Verb::kBudgets:
      return &kBudgetsCommand;
    case Verb::kAudit:
      return &kAuditCommand;
    case Verb::kPrices:
      return &kPricesCommand;
    case Verb::kMetrics:
      return &kMetricsCommand;
    case Verb::kTraces:
      return &kTracesCommand;
    case Verb::kSessions:
      return &kSessionsCommand;
    case Verb::kLedger:
      return &kLedgerCommand;
    case Verb::kLogs:
      return &kLogsCommand;
    case Verb::kAlerts:
      return &kAlertsCommand;
    case Verb::kModels:
      return &kModelsCommand;
    default:
      return nullptr;
  }
}

const OperatorCommand* OperatorCommandOf(std::string_view name) {
  CommandLine command;
  if (!SetVerb(std::string(name), &command).ok()) return nullptr;
  return OperatorCommandOf(command.verb);
}

std::string_view HelpText() { return kHelp; }

}  // namespace gateway
