#include "clients/cli/daemon.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/net/host_port.h"
#include "base/net/listener.h"
#include "base/os/file.h"
#include "base/process/exec_program.h"
#include "base/process/process_identity.h"
#include "base/status_macros.h"
#include "base/text/json_writer.h"
#include "clients/cli/daemon_words.h"
#include "clients/cli/detached_program.h"
#include "clients/cli/file_lock.h"
#include "clients/cli/retrying.h"
#include "clients/cli/switches.h"
#include "service/discovery/pid_file.h"

namespace gateway {
namespace {

constexpr absl::Duration kStartTime = absl::Seconds(30);
constexpr size_t kSwitchesBytesMax = 1024 * 1024;
// Of a log: so much of its end is looked at, and so many lines are told.
constexpr std::streamoff kLogEndBytesMax = 16 * 1024;
constexpr size_t kLogEndLines = 5;

// The folders above a file, for this user alone.
void MakeFolders(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != path.npos;
       slash = path.find('/', slash + 1)) {
    // That it cannot be made is seen when something is written there.
    mkdir(path.substr(0, slash).c_str(), 0700);
  }
}

// Both programs of one start: one that looks at the configuration, and the one
// that serves.
struct DaemonStart {
  std::string program;
  std::string config;
  DaemonFiles files;
  absl::Duration wait;
};

absl::StatusOr<DaemonStart> DaemonStartOf(const CommandLine& command,
                                          const Variables& variables) {
  DaemonStart start;
  start.wait = command.wait > absl::ZeroDuration() ? command.wait : kStartTime;
  GATEWAY_ASSIGN_OR_RETURN(start.files, DaemonFilesOf(command, variables));
  GATEWAY_ASSIGN_OR_RETURN(start.program, DaemonProgramOf(command, variables));
  GATEWAY_ASSIGN_OR_RETURN(start.config, DaemonConfigOf(command, variables));
  return start;
}

// Says what was done: in words, or with `--output json` as an object, a line
// each.
void Tell(const CommandLine& command, const Console& console,
          std::string_view done, int64_t process = 0,
          const std::string& url = "") {
  if (command.asked.as_json) {
    std::string text;
    JsonWriter json(&text);
    json.StartObject();
    json.StringField("done", done);
    if (process != 0) json.Int64Field("process", process);
    if (!url.empty()) json.StringField("url", url);
    json.EndObject();
    console.out << text << "\n";
    return;
  }
  console.out << done;
  if (process != 0) console.out << ": process " << process;
  if (!url.empty()) console.out << ", " << url;
  console.out << "\n";
}

// What a look at the configuration has said: what is wrong, or all of it, with
// every default.
std::string CheckReportOf(const DaemonStart& start) {
  return start.files.log + ".check";
}

// Where a configuration listens, by the text of all of it.
std::vector<std::string> ListenAddresses(const std::string& config) {
  constexpr absl::string_view kListeners = "listeners:\n";
  constexpr absl::string_view kAddress = "    address: ";
  std::vector<std::string> addresses;
  absl::string_view rest = config;
  if (!absl::ConsumePrefix(&rest, kListeners)) return addresses;
  for (absl::string_view line : absl::StrSplit(rest, '\n')) {
    if (!absl::StartsWith(line, " ")) break;  // Another section.
    if (!absl::ConsumePrefix(&line, kAddress)) continue;
    addresses.push_back(absl::StrReplaceAll(line, {{"\"", ""}}));
  }
  return addresses;
}

bool HasPort(const PidRecord& gateway, int port) {
  return port == gateway.gateway_port || port == gateway.grpc_port ||
         port == gateway.admin_port || port == gateway.operations_port ||
         port == gateway.admin_http_port;
}

// So that a gateway that runs is not stopped for one whose port is another
// program's. REQUIRES: CheckDaemonConfig was OK.
absl::Status CheckPorts(const DaemonStart& start, const PidRecord& running) {
  const absl::StatusOr<std::string> config =
      ReadFile(CheckReportOf(start), kSwitchesBytesMax);
  if (!config.ok()) return absl::OkStatus();
  for (const std::string& address : ListenAddresses(*config)) {
    const absl::StatusOr<HostPort> parts = ParseHostPort(address);
    const bool is_asked =
        parts.ok() && parts->port != 0 && !HasPort(running, parts->port);
    if (!is_asked) continue;
    const absl::Status bound = BindAddress(address).status();
    // What else keeps this program from it need not keep the gateway.
    if (!absl::IsAlreadyExists(bound)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat(start.config, ": ", bound.message(),
                     " by another program; nothing has changed"));
  }
  return absl::OkStatus();
}

// So that a gateway that runs is not stopped for one that cannot start.
absl::Status CheckDaemonConfig(const DaemonStart& start,
                               const Variables& variables) {
  MakeFolders(start.files.log);
  const std::string report = CheckReportOf(start);
  GATEWAY_RETURN_IF_ERROR(ReplaceFile(report, "", FileReaders::kOwner));
  GATEWAY_ASSIGN_OR_RETURN(
      DetachedProgram check,
      DetachedProgram::Start(
          {start.program, "--config", start.config, "--check_config"},
          variables, report));
  if (check.Wait()) return absl::OkStatus();
  const absl::StatusOr<std::string> said = ReadFile(report, kSwitchesBytesMax);
  return absl::FailedPreconditionError(
      absl::StrCat(start.config, " is not right, and nothing has changed:\n",
                   said.ok() ? *said : report));
}

// Of those who start a gateway at once one does so at a time.
absl::StatusOr<FileLock> LockStart(const DaemonFiles& files,
                                     const Console& console) {
  MakeFolders(files.pid_file);
  return FileLock::Take(files.pid_file + ".start.lock", [&console] {
    console.err << "another gatewayctl daemon is at work; waiting ...\n"
                << std::flush;
  });
}

std::streamoff SizeOf(const std::string& path) {
  struct stat about{};
  return stat(path.c_str(), &about) == 0 ? about.st_size : 0;
}

// The last lines that a log has got since it had that size, each on a line of
// its own; empty if there are none.
std::string LogSince(const std::string& path, std::streamoff size) {
  std::ifstream log(path, std::ios::binary);
  log.seekg(std::max(size, SizeOf(path) - kLogEndBytesMax));
  const std::string text{std::istreambuf_iterator<char>(log), {}};
  std::vector<std::string> lines =
      absl::StrSplit(text, '\n', absl::SkipWhitespace());
  if (lines.size() > kLogEndLines) {
    lines.erase(lines.begin(), lines.end() - kLogEndLines);
  }
  if (lines.empty()) return "";
  return absl::StrCat(", last\n  ", absl::StrJoin(lines, "\n  "));
}

absl::StatusOr<bool> GatewayIsEnabled(const CommandLine& command,
                                      const Variables& variables) {
  GATEWAY_ASSIGN_OR_RETURN(const Switches switches,
                           ReadSwitches(command, variables));
  return switches.gateway;
}

// REQUIRES: LockStart's lock is held.
absl::Status Launch(const CommandLine& command, const DaemonStart& start,
                    const Variables& variables, const Console& console) {
  MakeFolders(start.files.log);
  GATEWAY_RETURN_IF_ERROR(RememberStart(start.files, command.asked, variables));
  const std::streamoff log_size = SizeOf(start.files.log);
  GATEWAY_ASSIGN_OR_RETURN(
      DetachedProgram gateway,
      DetachedProgram::Start({start.program, "--config", start.config,
                              "--pid_file", start.files.pid_file},
                             variables, start.files.log));
  const ProcessIdentity process = IdentityOf(gateway.pid());
  // What was written a moment ago can be written again; else `stop` finds it
  // by its PID file, once it has one.
  RememberProcess(start.files, process).IgnoreError();
  if (console.err_is_terminal) console.err << "starting ...\n" << std::flush;
  absl::StatusOr<PidRecord> record;
  RetryFor(start.wait, [&] {
    record = FindGateway(start.files.pid_file);
    return (record.ok() && record->process.pid == gateway.pid()) ||
           gateway.HasEnded();
  });
  if (!record.ok() || record->process.pid != gateway.pid()) {
    return absl::UnavailableError(
        absl::StrCat(gateway.HasEnded() ? "the gateway has ended as it started"
                                        : "the gateway is not ready yet",
                     "; ", start.files.log, " has what it said",
                     LogSince(start.files.log, log_size)));
  }
  // Who took it back meanwhile may have found nothing to stop.
  GATEWAY_ASSIGN_OR_RETURN(const bool is_enabled,
                           GatewayIsEnabled(command, variables));
  if (!is_enabled) {
    GATEWAY_RETURN_IF_ERROR(EndWithin(process, absl::ZeroDuration()).status());
    return absl::FailedPreconditionError(
        "the gateway was taken back while it started, and is stopped");
  }
  // For those who look for these lines, which daemons before this one wrote.
  std::ofstream(start.files.log, std::ios::app)
      << "LLM Gateway initialized successfully\n"
      << "LLM Gateway started on port " << record->gateway_port << "\n"
      << "PID file updated with gateway port: " << record->gateway_port << "\n";
  Tell(command, console, "started", record->process.pid, record->gateway_url);
  return absl::OkStatus();
}

// The gateway that is to be stopped: that of the PID file, or one that was
// started here and is not ready yet. None if nothing runs.
absl::StatusOr<std::optional<ProcessIdentity>> ProcessToStop(
    const DaemonFiles& files) {
  const std::optional<ProcessIdentity> started = StartedProcess(files);
  const absl::StatusOr<PidRecord> record = FindGateway(files.pid_file);
  const bool is_started_here =
      started.has_value() &&
      (!record.ok() || record->process.pid == started->pid);
  if (is_started_here) return started;
  if (absl::IsNotFound(record.status()) ||
      absl::IsUnavailable(record.status())) {
    return std::nullopt;
  }
  if (!record.ok()) return record.status();
  if (!record->process.start.empty()) return record->process;
  return absl::FailedPreconditionError(absl::StrCat(
      files.pid_file, " names process ", record->process.pid,
      " and not when that began, so that it may be any program's by now; end "
      "it by kill ",
      record->process.pid, " if it is a gateway, or else remove the file"));
}

// A gateway that is asked a second time ends at once, with calls under way: of
// those who stop one, each waits as long as it likes, and one has asked.
absl::Status AskOnceToEnd(const DaemonFiles& files,
                          const ProcessIdentity& process) {
  const absl::StatusOr<FileLock> lock =
      FileLock::Take(files.pid_file + ".stop.lock", [] {});
  if (lock.ok() && WasAskedToEnd(files, process)) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(AskToEnd(process));
  // Where it cannot be kept, the gateway is to end all the same.
  RememberAskedToEnd(files, process).IgnoreError();
  return absl::OkStatus();
}

// Nothing that runs is nothing to stop.
absl::Status StopDaemon(const CommandLine& command, const Variables& variables,
                        const Console& console) {
  GATEWAY_ASSIGN_OR_RETURN(const DaemonFiles files,
                           DaemonFilesOf(command, variables));
  GATEWAY_ASSIGN_OR_RETURN(const absl::Duration grace,
                           DaemonGraceOf(command.asked));
  GATEWAY_ASSIGN_OR_RETURN(const std::optional<ProcessIdentity> process,
                           ProcessToStop(files));
  if (!process.has_value()) {
    Tell(command, console, "not running");
    return absl::OkStatus();
  }
  if (console.err_is_terminal) console.err << "stopping ...\n" << std::flush;
  GATEWAY_RETURN_IF_ERROR(AskOnceToEnd(files, *process));
  GATEWAY_ASSIGN_OR_RETURN(const bool ended_itself,
                           EndWithin(*process, grace));
  Tell(command, console, ended_itself ? "stopped" : "killed", process->pid);
  return absl::OkStatus();
}

absl::Status StartDaemon(const CommandLine& command, const Variables& variables,
                         const Console& console) {
  GATEWAY_ASSIGN_OR_RETURN(const DaemonStart start,
                           DaemonStartOf(command, variables));
  GATEWAY_ASSIGN_OR_RETURN(const bool enabled,
                           GatewayIsEnabled(command, variables));
  if (!enabled) {
    return absl::FailedPreconditionError(
        absl::StrCat("the gateway is taken back: gatewayEnabled is false in ",
                     start.files.switches,
                     ", or a variable says so; gatewayctl daemon rollback "
                     "--undo brings it again"));
  }
  GATEWAY_ASSIGN_OR_RETURN(const FileLock lock,
                           LockStart(start.files, console));
  const absl::StatusOr<PidRecord> record = FindGateway(start.files.pid_file);
  if (record.ok()) {
    return absl::AlreadyExistsError(absl::StrCat(
        "a gateway runs already, as process ", record->process.pid));
  }
  const std::optional<ProcessIdentity> starting = StartedProcess(start.files);
  if (starting.has_value()) {
    return absl::AlreadyExistsError(
        absl::StrCat("a gateway is about to come up or to go, as process ",
                     starting->pid, "; gatewayctl daemon stop ends it"));
  }
  return Launch(command, start, variables, console);
}

// With the flags that the gateway was started with, where nothing else is said.
absl::StatusOr<CommandLine> AsStarted(CommandLine command,
                                      const Variables& variables) {
  GATEWAY_ASSIGN_OR_RETURN(const DaemonFiles files,
                           DaemonFilesOf(command, variables));
  GATEWAY_ASSIGN_OR_RETURN(command.asked,
                           WithStart(files, std::move(command.asked)));
  return command;
}

// How the gateway is to be started again, whose configuration is right.
struct CheckedStart {
  CommandLine command;
  DaemonStart start;
};

absl::StatusOr<CheckedStart> CheckStart(const CommandLine& said,
                                        const Variables& variables) {
  CheckedStart checked;
  GATEWAY_ASSIGN_OR_RETURN(checked.command, AsStarted(said, variables));
  GATEWAY_ASSIGN_OR_RETURN(checked.start,
                           DaemonStartOf(checked.command, variables));
  GATEWAY_RETURN_IF_ERROR(CheckDaemonConfig(checked.start, variables));
  return checked;
}

// With the gateway taken back it is stopped, and stays so.
absl::Status RestartDaemon(const CommandLine& said, const Variables& variables,
                           const Console& console) {
  GATEWAY_ASSIGN_OR_RETURN(const bool enabled,
                           GatewayIsEnabled(said, variables));
  if (!enabled) {
    GATEWAY_RETURN_IF_ERROR(StopDaemon(said, variables, console));
    Tell(said, console, "not started: gatewayEnabled is false");
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const DaemonFiles files,
                           DaemonFilesOf(said, variables));
  // First, so that it goes by what another one has just started.
  GATEWAY_ASSIGN_OR_RETURN(const FileLock lock, LockStart(files, console));
  GATEWAY_ASSIGN_OR_RETURN(const CheckedStart again,
                           CheckStart(said, variables));
  const absl::StatusOr<PidRecord> before = FindGateway(files.pid_file);
  if (before.ok()) {
    GATEWAY_RETURN_IF_ERROR(CheckPorts(again.start, *before));
  }
  GATEWAY_RETURN_IF_ERROR(StopDaemon(again.command, variables, console));
  const absl::Status launched =
      Launch(again.command, again.start, variables, console);
  if (launched.ok() || !before.ok()) return launched;
  return absl::Status(launched.code(),
                      absl::StrCat(launched.message(),
                                   "\nThe gateway that ran before is stopped"));
}

// A file that is no JSON, such as one that was written by half, is put aside:
// who takes a gateway back has no time to mend it.
absl::StatusOr<std::string> WithSwitchesAnew(const std::string& path,
                                             const std::string& text,
                                             bool gateway_enabled,
                                             const Console& console) {
  absl::StatusOr<std::string> changed =
      WithSwitches(text, gateway_enabled, !gateway_enabled);
  if (changed.ok()) return changed;
  const std::string aside = path + ".broken";
  GATEWAY_RETURN_IF_ERROR(ReplaceFile(aside, text));
  console.err << "gatewayctl: " << path << " " << changed.status().message()
              << "; it is kept as " << aside << ", and written anew\n";
  return WithSwitches("", gateway_enabled, !gateway_enabled);
}

absl::Status SetSwitches(const std::string& path, bool gateway_enabled,
                         const Console& console) {
  absl::StatusOr<std::string> text = ReadFile(path, kSwitchesBytesMax);
  if (absl::IsNotFound(text.status())) text = "";
  if (text.ok()) {
    text = WithSwitchesAnew(path, *text, gateway_enabled, console);
  }
  absl::Status done = text.status();
  if (done.ok()) {
    MakeFolders(path);
    done = ReplaceFile(path, *text);
  }
  if (done.ok()) return done;
  return absl::Status(done.code(), absl::StrCat(path, ": ", done.message()));
}

// Whoever takes a gateway back wants it to stop, also where programs cannot be
// told so. REQUIRES: `untold` is not OK.
absl::Status StopUntold(const CommandLine& command, const Variables& variables,
                        const Console& console, const absl::Status& untold) {
  const absl::Status stopped = StopDaemon(command, variables, console);
  return absl::Status(
      untold.code(),
      absl::StrCat(untold.message(),
                   "\nPrograms are not told to go elsewhere: they still look "
                   "for the gateway; ",
                   stopped.ok() ? "it does not run any more"
                                : "and it could not be stopped: ",
                   stopped.message()));
}

// First programs are told to go elsewhere, then the gateway goes. They are told
// to come back only to one that can start.
absl::Status RollBack(const CommandLine& command, const Variables& variables,
                      const Console& console) {
  GATEWAY_ASSIGN_OR_RETURN(const DaemonFiles files,
                           DaemonFilesOf(command, variables));
  GATEWAY_RETURN_IF_ERROR(DaemonGraceOf(command.asked).status());
  const bool undo = HasSwitch(command.asked, "--undo");
  if (undo) {
    GATEWAY_RETURN_IF_ERROR(CheckStart(command, variables).status());
  }
  const absl::Status told = SetSwitches(files.switches, undo, console);
  if (!told.ok()) {
    return undo ? told : StopUntold(command, variables, console, told);
  }
  Tell(command, console,
       absl::StrCat(files.switches, ": gatewayEnabled is ",
                    undo ? "true" : "false", ", proxyEnabled is ",
                    undo ? "false" : "true"));
  return RestartDaemon(command, variables, console);
}

absl::Status ShowLogs(const CommandLine& said, const Variables& variables) {
  GATEWAY_ASSIGN_OR_RETURN(const CommandLine command,
                           AsStarted(said, variables));
  GATEWAY_ASSIGN_OR_RETURN(const DaemonFiles files,
                           DaemonFilesOf(command, variables));
  std::string lines = LastOf(command.asked, "--lines");
  if (lines.empty()) lines = "50";
  int64_t count = 0;
  if (!absl::SimpleAtoi(lines, &count) || count < 0) {
    return FlagMistake("--lines", absl::StrCat("must be a number from 0 on, "
                                               "not '",
                                               lines, "'"));
  }
  std::vector<std::string> tail = {"tail", "-n", absl::StrCat(count)};
  if (HasSwitch(command.asked, "--follow")) tail.push_back("-F");
  tail.push_back("--");
  tail.push_back(files.log);
  return ExecProgram(tail, variables);
}

}  // namespace

absl::Status RunDaemon(const CommandLine& command, const Variables& variables,
                       const Console& console) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kDaemonCommand, command.asked));
  GATEWAY_RETURN_IF_ERROR(CheckNoName(kDaemonCommand, command.asked));
  const std::string& what = command.asked.words[0];
  if (what == "start") return StartDaemon(command, variables, console);
  if (what == "stop") return StopDaemon(command, variables, console);
  if (what == "restart") return RestartDaemon(command, variables, console);
  if (what == "rollback") return RollBack(command, variables, console);
  return ShowLogs(command, variables);
}

}  // namespace gateway
