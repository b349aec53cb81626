#include <string_view>

#include "clients/cli/help.h"

namespace gateway {
namespace {

constexpr HelpItem kCommandItems[] = {
    {"gatewayctl chat [WORDS...]",
     "ask a model, and show its answer as it comes, the tools that it calls, "
     "and at the end where the call went and what it cost. Without words it "
     "asks what it reads; on a terminal each line is a turn"},
    {"gatewayctl env",
     "print what points SDKs at it, for a shell:\n  eval \"$(gatewayctl "
     "env)\""},
    {"gatewayctl exec -- CMD ARGS...", "run a program that is pointed at it"},
    {"gatewayctl status", "say where it listens and whether it is ready"},
    {"gatewayctl rollout WHAT",
     "change the share of callers that the rules are for: off, on, a "
     "percentage as in 25, or reset, to what the configuration says; status "
     "only tells"},
    {"gatewayctl keys create | list | get ID | update ID | rotate ID | "
     "revoke ID",
     "issue keys to callers, and take them back"},
    {"gatewayctl limits list | reset NAME",
     "show how full limits are, the fullest first, and give back what was "
     "taken of one"},
    {"gatewayctl budgets list | get NAME | allocate NAME | reset NAME | "
     "session ID",
     "show how budgets stand and what a session took, give a scope limits "
     "of its own, and give back what was spent"},
    {"gatewayctl audit search | get ID | export",
     "find what the gateway has kept of calls; an export is a line "
     "of JSON for each"},
    {"gatewayctl prices list | set MODEL | remove MODEL",
     "show what models cost, say so, and take that back"},
    {"gatewayctl sessions create | get ID | delete ID",
     "open, show and forget conversations that the gateway "
     "keeps, as the caller who has them"},
    {"gatewayctl ledger query | get ID | export",
     "show entries of the ledger, one of them, or all as lines of "
     "JSON; of a gateway, or with --file of this machine"},
    {"gatewayctl ledger verify [FILE...]",
     "say whether ledgers on this machine, a gateway's file or lines of "
     "JSON, are what was written; several are one chain, and - "
     "is lines on standard input. Without a file a "
     "gateway checks its own"},
    {"gatewayctl ledger import FILE... --to FILE",
     "make a gateway's ledger of lines of JSON"},
    {"gatewayctl ledger archive --before MONTH --out DIR",
     "take whole months out of a ledger of replicas into files, with "
     "--postgres"},
    {"gatewayctl ledger prove ID [FILE]",
     "prove that an entry is one of those that a Merkle root stands for, or "
     "check that"},
    {"gatewayctl ledger reprice [FILE...]",
     "compute anew what each exchange of a ledger has cost, say which "
     "differ, and add up; without a file, of the gateway's ledger"},
    {"gatewayctl metrics show [NAME...] | watch [NAME...] | cost",
     "show what the gateway counts, once, for a window of time or as it "
     "goes on, and what calls have cost"},
    {"gatewayctl traces list | get ID",
     "show how calls went, step by step, as far as the gateway has traced "
     "and kept that"},
    {"gatewayctl alerts list | silence NAME",
     "show what is wrong and who was told, or have an alert tell "
     "nobody for a time"},
    {"gatewayctl models list | get MODEL",
     "show which models there are, as callers see them"},
    {"gatewayctl models disabled | enable PROVIDER/MODEL | disable "
     "PROVIDER/MODEL",
     "show which models operators or alerts have disabled, have calls go to "
     "one again, or to no longer go there"},
    {"gatewayctl providers list | get NAME",
     "show which providers are configured, and how they are doing"},
    {"gatewayctl circuits list | reset PROVIDER[/MODEL] | force "
     "PROVIDER/MODEL STATE",
     "show what has been learned of targets, forget that, and have a breaker "
     "be forced_open, metrics_only or as configured"},
    {"gatewayctl route explain",
     "say where a request would go and why, without sending it"},
    {"gatewayctl health",
     "say how the gateway, its providers and what it needs are doing"},
    {"gatewayctl config show | check FILE | diff FILE | apply FILE | "
     "rollback [VERSION] | reload",
     "show the configuration in use, say whether a file, - for standard "
     "input, is right and what it would change, put it into use, go back to an "
     "earlier one, or read the "
     "gateway's own file again"},
    {"gatewayctl logs levels | set-level LEVEL",
     "show how much of the log is written, and change that while the "
     "gateway runs: trace, debug, info, warn, error, off, or configured, "
     "which takes back what was set"},
    {"gatewayctl contexts list | set NAME | use NAME | remove NAME",
     "name gateways in a file, and use one of them without saying where it is "
     "each time; set adds to what it says, use none goes back to looking"},
    {"gatewayctl top",
     "show which calls are under way and which have just ended; on a terminal "
     "as a screen that q ends, else a line for each that ends"},
    {"gatewayctl daemon start | stop | restart | status | logs | rollback",
     "run a gateway of this user's in the background; rollback takes it back "
     "in one step: programs are told to use the proxy, and it stops"},
    {"gatewayctl completion SHELL",
     "print what completes its words in bash, zsh or fish:\n  eval "
     "\"$(gatewayctl completion bash)\""},
    {"gatewayctl man",
     "print its manual page, for man: gatewayctl man >gatewayctl.1"},
    {"gatewayctl help | version", ""},
    {"--wait TIME",
     "look again for so long, as in 10s or 500ms, while there is no "
     "gateway; by default it looks once"},
};
constexpr HelpItem kSetItems[] = {
    {"ANTHROPIC_BASE_URL", "the gateway's URL"},
    {"OPENAI_BASE_URL", "the same and /v1"},
    {"GOOGLE_GEMINI_BASE_URL", "the gateway's URL"},
    {"NO_PROXY, no_proxy",
     "the gateway's host, besides what they say, where the environment names a "
     "proxy"},
};
constexpr HelpItem kWhereItems[] = {
    {"--gateway_context NAME", "one of contexts"},
    {"--url URL", "this gateway, without looking for one"},
    {"--pid_file FILE", "the file that the gateway was given as --pid_file"},
    {"$GATEWAY_URL", "as --url"},
    {"$GATEWAY_PID_FILE", "as --pid_file"},
    {"otherwise",
     "~/.llm-gateway/gateway.pid, then ~/.cco/daemon.pid, then "
     "/run/llm-gateway/gateway.pid, which is that of a package's unit"},
};
constexpr HelpItem kStatusItems[] = {
    {"--ca_file FILE", "certificates in PEM to trust, besides the system's"},
};
constexpr HelpItem kOutputItems[] = {
    {"--output json",
     "prints what the gateway answers, what ledger finds, and what status, "
     "daemon and contexts say, as JSON, and failures, on standard error; "
     "otherwise, or by table, for people"},
};
constexpr HelpItem kChatItems[] = {
    {"--model NAME", "a model, an alias or a tier; otherwise the default"},
    {"--provider NAME", "only this provider"},
    {"--system TEXT", "what the model is told first"},
    {"--session ID",
     "goes on with a conversation that the gateway keeps; see sessions"},
    {"--agent_type, --project, --user TEXT",
     "on whose behalf it is asked; rules may match it"},
    {"--tag TEXT", "what it is about; several times for several"},
    {"--max_tokens N", "so many tokens of answer at most"},
    {"--temperature N", "0 to 2: how much the answers vary"},
    {"--request FILE",
     "what every turn asks for besides, such as tools: a GenerateRequest of "
     "the contract as JSON, - for standard input. One whose last message is a "
     "user's or a tool's is sent as it is where nothing else is asked"},
};
constexpr HelpItem kKeysItems[] = {
    {"--owner WHO", "create, update: whom it belongs to; list: of this one"},
    {"--name TEXT", "create, update: a name for people"},
    {"--scope KIND:NAME",
     "create, update: what it is for, as in model:gpt-5*; several times for "
     "several"},
    {"--label NAME=VALUE",
     "create, update: a label of its calls; several times"},
    {"--limit UNIT=N/TIME/BURST",
     "create, update: how much may be asked for with it, as in "
     "requests=60/1m, total_tokens=100000/1h, cost=5/24h (dollars) or "
     "concurrent_calls=4; BURST, as in requests=60/1m/10, is how much at "
     "once, N without it; several times"},
    {"--priority WHICH", "create, update: low, normal, high or critical"},
    {"--ttl TIME", "create: how long it is good, as in 720h"},
    {"--expires TIME",
     "create, update: until when, as in 2027-01-31T00:00:00Z"},
    {"--request_id TEXT", "create: the same text makes no second key"},
    {"--state WHICH", "update: active or disabled; list: of this state"},
    {"--grace TIME", "rotate: how long the old secret is good"},
    {"--etag ETAG", "update, rotate, revoke: only if it is still the key's"},
};
constexpr HelpItem kLimitsItems[] = {
    {"--rule NAME", "list: only this limit; key for those of keys"},
    {"--subject TEXT",
     "list: only of this caller, user, model and so on; reset: only of what "
     "is named so, as in user=ann; several times for several"},
};
constexpr HelpItem kLedgerItems[] = {
    {"--file FILE",
     "query, get, export: reads this ledger, a gateway's file or lines of "
     "JSON, and asks no gateway; several times for several"},
    {"--postgres CONNINFO",
     "verify, query, get, export, prove: reads the ledger of replicas in "
     "this database, and asks no gateway; archive: the database; a password "
     "is in PGPASSWORD or a password file"},
    {"--schema NAME",
     "with --postgres: the schema that it is in; by default llm_gateway"},
    {"--chain NAME",
     "verify, query, export, prove: only this chain, of a ledger of "
     "replicas; not of files, which name none"},
    {"--before MONTH", "archive: the months before this one, as in 2026-09"},
    {"--out DIR", "archive: where the files go"},
    {"--archive DIR",
     "get, prove: reads the files of archives in this folder; verify: with "
     "--postgres, verifies them, too"},
    {"--check FILE", "prove: checks this proof, and needs nothing else"},
    {"--root HEX", "prove: with --check, the Merkle root, as it was noted"},
    {"--type TYPE",
     "query, export: only entries of this type, as EXCHANGE; several times "
     "for any of several"},
    {"--submission, --session, --agent, --decision, --request, --caller, "
     "--provider, --model TEXT",
     "query, export: only entries with this"},
    {"--since, --until TIME",
     "query, export: only entries from then on, or before; a time as in "
     "2027-01-31T00:00:00Z, or how long ago as in 24h"},
    {"--limit N", "query: so many entries at most; by default 100"},
    {"--order WHICH", "query: newest, the default, or oldest, first"},
    {"--after N",
     "verify, by a gateway or of one chain: only what is behind this entry"},
    {"--noted HASH",
     "verify, of files and with --postgres: the last hash that an earlier "
     "check has told, which must be there"},
    {"--prices FILE",
     "reprice: by what prices list --output json has printed; gateway asks "
     "the gateway, as prices does; by default files are repriced by what is "
     "built in, and a gateway's ledger by its own prices"},
    {"--to FILE", "import: the ledger to make, which must not be there"},
};
constexpr HelpItem kBudgetsItems[] = {
    {"--rule NAME", "list: only this budget"},
    {"--subject TEXT",
     "list: only of this user, session and so on; otherwise the scope, as "
     "in user=ann, each dimension once"},
    {"--limit N", "allocate: tokens in a window"},
    {"--limit_usd DOLLARS", "allocate: dollars, as in 2.50"},
    {"--turn_limit N", "allocate: calls in a window"},
    {"--timeout TIME", "allocate: for how long, as in 1h"},
    {"--remove true", "allocate: what the configuration says, again"},
};
constexpr HelpItem kAuditItems[] = {
    {"--since, --until TIME",
     "search, export: from then on, or before; a time as in "
     "2027-01-31T00:00:00Z, or how long ago as in 24h"},
    {"--caller, --agent, --agent_type, --provider, --project, --model, "
     "--request",
     "search, export: only calls of that"},
    {"--outcome WHAT", "search, export: succeeded or failed"},
    {"--failure REASON", "search, export: failed for this, as in RATE_LIMITED"},
    {"--kind WHICH",
     "search, export: call, or of what the log tells of itself deletion, "
     "loss or disclosure; otherwise call"},
    {"--limit N", "search, export: so many; 100, all"},
    {"--bodies yes", "with what was said, which is recorded"},
};
constexpr HelpItem kPricesItems[] = {
    {"--kind WHICH", "the kind of provider, as in openai; otherwise any"},
    {"--model NAME", "list: only prices that this model may have"},
    {"--source WHICH", "list: only those shipped, config or operator"},
    {"--input_usd PRICE, --output_usd PRICE, --cached_input_usd PRICE, "
     "--cache_write_usd PRICE, --cache_write_1h_usd PRICE, --reasoning_usd "
     "PRICE, --audio_input_usd PRICE, --audio_output_usd PRICE, "
     "--image_input_usd PRICE, --image_output_usd PRICE",
     "set: dollars for a million tokens; the first two are required"},
    {"--step tier=WHICH,above=TOKENS,input=USD,output=USD,...",
     "set: what it costs in the tier batch, flex, priority, fast_mode, "
     "us_inference or fast_mode_us_inference, or with longer prompts; several "
     "times"},
    {"--from TIME", "set, remove: from when on, as in 2027-01-31T00:00:00Z"},
};
constexpr HelpItem kMetricsItems[] = {
    {"--window TIME",
     "show: of counters and histograms what was added in the last 1m to 1h; "
     "without it, all since the start"},
    {"--interval TIME", "watch: from one reading to the next, 1s to 1h; 10s"},
    {"--count N", "watch: so many readings; without it, until it is ended"},
    {"--by LIST",
     "cost: apart by agent, provider, model, project, key or caller, or "
     "several, as in provider,model"},
    {"--bucket WHICH", "cost: apart by hour or day"},
    {"--since, --until TIME",
     "cost: as in 2027-01-31T00:00:00Z, or 24h for as long ago; the hours "
     "that these are in, whole"},
    {"--agent, --provider, --model, --project, --key, --caller NAME",
     "cost: only calls of that"},
    {"--limit N", "cost: the N dearest groups; 100"},
};
constexpr HelpItem kTracesItems[] = {
    {"--outcome WHICH", "list: failed or succeeded calls only"},
    {"--provider NAME", "list: only calls that went there"},
    {"--model NAME", "list: only calls that named this model, or it served"},
    {"--since TIME", "list: only calls that ended within this time, as in 1h"},
    {"--min_duration TIME",
     "list: only calls that took at least so long, as in 5s"},
    {"--count N", "list: at most so many, 1 to 1000; 20 without it"},
};
constexpr HelpItem kAlertsItems[] = {
    {"--for TIME", "silence: for how long, as in 1h; 0s ends a silence"},
};
constexpr HelpItem kCircuitsItems[] = {
    {"--provider NAME", "list: only targets of this provider"},
    {"--validate_only", "reset, force: only say what would be"},
};
constexpr HelpItem kConfigItems[] = {
    {"--etag ETAG",
     "apply, rollback: only if it is still that of the configuration in use"},
    {"--validate_only", "apply, rollback, reload: only say what would change"},
};
constexpr HelpItem kContextsItems[] = {
    {"--url, --pid_file, --grpc, --admin, --ca_file, --cert_file, --key_file",
     "set: what the context says in place of these flags"},
    {"--key_variable, --operator_key_variable NAME",
     "set: the variables that have a caller's and an operator's key for it; "
     "the file has no keys"},
};
constexpr HelpItem kTopItems[] = {
    {"--provider, --model NAME", "only calls that went there, or named it"},
    {"--failures", "only calls that failed"},
    {"--count N", "so many that end; without it, until it is ended"},
};
constexpr HelpItem kDaemonItems[] = {
    {"--config FILE",
     "start, restart, rollback: its configuration; otherwise $GATEWAY_CONFIG, "
     "or gateway.yaml, gateway.json or orchestra-config.json in "
     "~/.cco/config"},
    {"--program FILE",
     "start, restart, rollback: the gateway; otherwise $GATEWAY_PROGRAM, the "
     "one beside gatewayctl, or along the PATH"},
    {"--pid_file FILE", "its PID file; otherwise ~/.cco/daemon.pid"},
    {"--log FILE", "its log; otherwise daemon.log beside the PID file"},
    {"--grace TIME",
     "stop, restart, rollback: how long it may go on with what is under way "
     "before it is killed; 10s"},
    {"--wait TIME", "start, restart: how long it may take to be ready; 30s"},
    {"--lines N", "logs: the last N lines; 50"},
    {"--follow", "logs: and those that come"},
    {"--undo", "rollback: takes that back, and starts the gateway"},
};
constexpr HelpItem kModelsItems[] = {
    {"--provider NAME", "list, get: only of this provider"},
    {"--reason TEXT", "enable, disable: why, for people"},
};
constexpr HelpItem kLogsItems[] = {
    {"--module NAME", "set-level: only of this module; all without it"},
};
constexpr HelpItem kSessionsItems[] = {
    {"--ttl TIME", "create: how long it is kept unused, as in 30m"},
    {"--context JSON", "create: an object that is kept with it"},
};
constexpr HelpItem kCallersItems[] = {
    {"--grpc ADDRESS",
     "the gRPC listener, as host:port; otherwise $GATEWAY, or that of the "
     "PID file"},
    {"$GATEWAY_KEY", "the caller's key, where one is asked for"},
    {"--ca_file FILE", "asks over TLS, trusting these certificates"},
    {"--cert_file FILE, --key_file FILE",
     "the certificate to show over TLS, and its private key, in PEM, where "
     "one is asked for"},
};
constexpr HelpItem kOperatorsItems[] = {
    {"--admin ADDRESS",
     "the admin listener, as host:port; otherwise $GATEWAY_ADMIN, or that "
     "of the PID file"},
    {"$GATEWAY_OPERATOR_KEY", "the operator's key, where one is asked for"},
    {"--ca_file FILE", "asks over TLS, trusting these certificates"},
    {"--cert_file FILE, --key_file FILE",
     "the certificate to show over TLS, and its private key, in PEM, where "
     "one is asked for"},
};
constexpr HelpItem kWayItems[] = {
    {"--gateway, --no-gateway",
     "through the gateway, or not; the default is to"},
    {"--proxy, --no-proxy",
     "without the gateway: through the HTTP proxy whose proxy_port is in "
     "the PID file, by HTTPS_PROXY and HTTP_PROXY; env and exec take back "
     "what they have set for the gateway; the default is not to"},
    {"--daemon_config FILE",
     "a JSON file with gatewayEnabled and proxyEnabled; by default "
     "~/.cco/config/daemon-config.json"},
};

// Those that ask operators' listener, callers', and either, or the HTTP one.
constexpr std::string_view kCommandsOfOperators =
    "rollout keys limits audit budgets prices ledger logs metrics traces "
    "alerts models providers circuits route health config top";
constexpr std::string_view kCommandsThatAsk =
    "alerts audit budgets chat circuits config env exec health keys ledger "
    "limits logs metrics models prices providers rollout route sessions "
    "status top traces";

constexpr HelpSection kSections[] = {
    {.title = "Commands",
     .column = 35,
     .items = kCommandItems,
     .note = "Flags stand before or behind the command."},
    {.title = "What is set", .items = kSetItems,
     .commands = "env exec"},
    {.title = "Where it looks; the first that is given counts",
     .items = kWhereItems,
     .commands = kCommandsThatAsk},
    {.title = "What status asks",
     .items = kStatusItems,
     .note = "A gateway found by its PID file is asked at its operations "
             "listener, /readyz; one that was named by its URL there, "
             "/health/ready.",
     .commands = "status daemon"},
    {.title = "What every command takes that shows something",
     .items = kOutputItems,
     .commands = kCommandsThatAsk},
    {.title = "What chat and route explain take",
     .items = kChatItems,
     .note = "The answer goes to standard output, all else to standard error. "
             "With --output json each event of the stream is a line. On a "
             "terminal Ctrl-C ends an answer, Ctrl-D the chat, and /new "
             "begins anew, but for a session.",
     .commands = "chat route"},
    {.title = "What keys takes",
     .items = kKeysItems,
     .note = "update empties scopes, labels or limits by none, and an "
             "expiry by never.",
     .commands = "keys"},
    {.title = "What limits takes", .items = kLimitsItems,
     .commands = "limits"},
    {.title = "What ledger takes", .items = kLedgerItems,
     .commands = "ledger"},
    {.title = "What budgets takes", .items = kBudgetsItems,
     .commands = "budgets"},
    {.title = "What audit takes", .items = kAuditItems,
     .commands = "audit"},
    {.title = "What prices takes", .items = kPricesItems,
     .commands = "prices"},
    {.title = "What metrics takes", .items = kMetricsItems,
     .commands = "metrics"},
    {.title = "What traces takes", .items = kTracesItems,
     .commands = "traces"},
    {.title = "What alerts takes", .items = kAlertsItems,
     .commands = "alerts"},
    {.title = "What circuits takes", .items = kCircuitsItems,
     .commands = "circuits"},
    {.title = "What config takes", .items = kConfigItems,
     .commands = "config"},
    {.title = "What contexts takes",
     .items = kContextsItems,
     .note = "They are in ~/.config/gatewayctl/contexts.json, or in "
             "$GATEWAYCTL_CONTEXTS. A flag counts more than a context that is "
             "named by --gateway_context, that more than the environment, and "
             "that more than the context in use: --url and --pid_file for the "
             "whole gateway, --admin and --grpc for one listener. A context's "
             "keys go to its own addresses only.",
     .commands = "contexts"},
    {.title = "What top takes", .items = kTopItems,
     .commands = "top"},
    {.title = "What daemon takes",
     .items = kDaemonItems,
     .note = "A link of the name cco to gatewayctl does the same; cco alone "
             "is gatewayctl exec -- claude. restart checks the configuration "
             "before it stops a gateway, and goes by the flags of start unless "
             "it is given others. With gatewayEnabled false in "
             "~/.cco/config/daemon-config.json it only stops it.",
     .commands = "daemon"},
    {.title = "What models takes", .items = kModelsItems,
     .commands = "models"},
    {.title = "What logs takes", .items = kLogsItems,
     .commands = "logs"},
    {.title = "What sessions takes", .items = kSessionsItems,
     .commands = "sessions"},
    {.title = "Whom chat, sessions, models list and models get ask",
     .items = kCallersItems,
     .commands = "chat sessions models"},
    {.title = "Whom rollout, keys, limits, audit, budgets, prices, ledger, "
              "logs, metrics, traces, alerts, models, providers, circuits, "
              "route, health, config and top ask",
     .items = kOperatorsItems,
     .commands = kCommandsOfOperators},
    {.title = "Which way requests go",
     .items = kWayItems,
     .note = "A flag counts more than the environment ($GATEWAY_V2_ENABLED "
             "or $ENABLE_GATEWAY_V2, for the gateway), and that more than "
             "the file.",
     .commands = "env exec status"},
    {.title = "Exit codes",
     .note = "It exits with 0 if all is well; with 1 and a hint if there "
             "is no gateway, if it refuses, does not answer or is not ready "
             "(status), if a call of chat fails, if a ledger is not valid or "
             "has no entry (ledger verify) or a proof is not (ledger prove "
             "--check), if it does not agree (ledger reprice), if a request "
             "would go nowhere (route explain), if the gateway answers no "
             "calls (health), if a configuration is not right (config check), "
             "if output cannot be written, or if a word is not understood; "
             "with 128 and the number of the signal that has ended it. exec "
             "exits as its program does, daemon logs as tail."},
};

}  // namespace

absl::Span<const HelpSection> HelpSections() { return kSections; }

}  // namespace gateway
