#include "clients/cli/daemon_words.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/os/file.h"
#include "base/process/exec_program.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "clients/cli/told_file.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace gateway {
namespace {

constexpr std::string_view kGraceFlag = "--grace";
constexpr std::string_view kConfigFlag = "--config";
constexpr std::string_view kProgramFlag = "--program";
constexpr std::string_view kStartFlags[] = {kConfigFlag, kProgramFlag, "--log"};
constexpr std::string_view kStopFlags[] = {kGraceFlag};
constexpr std::string_view kRestartFlags[] = {kConfigFlag, kProgramFlag,
                                              "--log", kGraceFlag};
constexpr std::string_view kLogsFlags[] = {"--lines", "--log"};
constexpr std::string_view kLogsSwitches[] = {"--follow"};
constexpr std::string_view kRollbackSwitches[] = {"--undo"};
constexpr OperatorVerb kDaemonVerbs[] = {
    {"start", kStartFlags},
    {"stop", kStopFlags},
    {"restart", kRestartFlags},
    {"status", {}},
    {"logs", kLogsFlags, kLogsSwitches},
    {"rollback", kRestartFlags, kRollbackSwitches}};

// As the daemons that were there before did.
constexpr absl::Duration kDefaultGrace = absl::Seconds(10);

std::string DaemonVariable(const Variables& variables, const char* name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string() : found->second;
}

// What a flag says, or else its variable.
std::string FlagOrVariable(const OperatorWords& words,
                           const Variables& variables, std::string_view flag) {
  std::string told = LastOf(words, flag);
  if (!told.empty()) return told;
  if (flag == kConfigFlag) return DaemonVariable(variables, "GATEWAY_CONFIG");
  if (flag == kProgramFlag) return DaemonVariable(variables, "GATEWAY_PROGRAM");
  return told;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

constexpr size_t kStartBytesMax = 64 * 1024;
constexpr char kProcessField[] = "process";
constexpr char kProcessStartField[] = "process_start";
constexpr char kAskedField[] = "asked_to_end";

// Where it is kept how a gateway was started, by its PID file.
std::string StartFileOf(const DaemonFiles& files) {
  return files.pid_file + ".start";
}

absl::StatusOr<google::protobuf::Struct> ReadStart(const std::string& path) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string text,
                           ReadFile(path, kStartBytesMax));
  google::protobuf::Struct told;
  if (google::protobuf::util::JsonStringToMessage(text, &told).ok()) {
    return told;
  }
  return absl::InvalidArgumentError("it is no JSON object");
}

std::string NumberAndStart(const ProcessIdentity& process) {
  return absl::StrCat(process.pid, " ", process.start);
}

absl::Status WriteStart(const std::string& path,
                        const google::protobuf::Struct& told) {
  std::string text;
  static_cast<void>(google::protobuf::util::MessageToJsonString(told, &text));
  const absl::Status kept = ReplaceFile(path, text, FileReaders::kOwner);
  if (kept.ok()) return kept;
  return absl::Status(kept.code(), absl::StrCat(path, ": ", kept.message()));
}

// As it is built, and as packages install it.
constexpr const char* kProgramNames[] = {"gateway", "llm-gateway"};

// The folder that this program is in; empty if it is not known.
std::string OwnFolder() {
  std::string path(4096, '\0');
  const ssize_t bytes = readlink("/proc/self/exe", path.data(), path.size());
  if (bytes <= 0) return "";
  path.resize(static_cast<size_t>(bytes));
  return FolderOf(path);
}

// The text of an object with some of its members set, and all else as it is:
// numbers may have more digits than a double.
class SwitchesText {
 public:
  explicit SwitchesText(std::string_view before) : before_(before) {}

  absl::Status Read(JsonValue& root,
                    const std::map<std::string, bool>& switches) {
    // Where a member that is not there yet goes: behind the last one.
    const size_t open = PlaceOf(root.begin()) + 1;
    size_t end = open;
    std::map<std::string, bool> missing = switches;
    GATEWAY_RETURN_IF_ERROR(root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          const std::string name(key);
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          const size_t begin = PlaceOf(raw.data());
          end = begin + raw.size();
          const auto found = switches.find(name);
          if (found == switches.end()) return absl::OkStatus();
          // All of those that have one name.
          missing.erase(name);
          CopyTo(begin);
          text_ += WordOf(found->second);
          copied_ = end;
          return absl::OkStatus();
        }));
    AddBehind(open, end, missing);
    return absl::OkStatus();
  }

  std::string Text() && {
    CopyTo(before_.size());
    return std::move(text_);
  }

 private:
  static const char* WordOf(bool on) { return on ? "true" : "false"; }

  size_t PlaceOf(const char* at) const {
    return static_cast<size_t>(at - before_.data());
  }

  void CopyTo(size_t end) {
    absl::StrAppend(&text_, ToAbsl(before_.substr(copied_, end - copied_)));
    copied_ = end;
  }

  // With the space that is in front of the first member.
  void AddBehind(size_t open, size_t end,
                 const std::map<std::string, bool>& missing) {
    CopyTo(end);
    const bool is_empty = open == end;
    const size_t first = before_.find('"', open);
    const std::string_view space =
        is_empty ? std::string_view("\n ") : before_.substr(open, first - open);
    bool is_first = is_empty;
    for (const auto& [name, on] : missing) {
      absl::StrAppend(&text_, is_first ? "" : ",", ToAbsl(space), "\"", name,
                      "\": ", WordOf(on));
      is_first = false;
    }
    if (!is_empty) return;
    // What was between the braces is space.
    text_ += "\n";
    copied_ = before_.find('}', open);
  }

  const std::string_view before_;
  std::string text_;
  size_t copied_ = 0;  // So much of it is in the text.
};

}  // namespace

const OperatorCommand kDaemonCommand = {"daemon", kDaemonVerbs};

absl::StatusOr<DaemonFiles> DaemonFilesOf(const CommandLine& command,
                                          const Variables& variables) {
  const std::string home = DaemonVariable(variables, "HOME");
  if (home.empty()) {
    return absl::InvalidArgumentError(
        "HOME is not set, so that it is not known where ~/.cco is");
  }
  DaemonFiles files;
  files.pid_file = command.pid_file.empty()
                       ? absl::StrCat(home, "/.cco/daemon.pid")
                       : command.pid_file;
  files.log = LastOf(command.asked, "--log");
  if (files.log.empty()) {
    files.log = absl::StrCat(FolderOf(files.pid_file), "/daemon.log");
  }
  files.switches = command.daemon_config.empty()
                       ? absl::StrCat(home, "/.cco/config/daemon-config.json")
                       : command.daemon_config;
  return files;
}

absl::StatusOr<std::string> DaemonProgramOf(const CommandLine& command,
                                            const Variables& variables) {
  const std::string told =
      FlagOrVariable(command.asked, variables, kProgramFlag);
  const std::string path = DaemonVariable(variables, "PATH");
  if (!told.empty()) return FindProgram(told, path);
  const std::string folder = OwnFolder();
  for (const char* const name : kProgramNames) {
    absl::StatusOr<std::string> beside =
        FindProgram(absl::StrCat(folder, "/", name), path);
    if (beside.ok()) return beside;
  }
  for (const char* const name : kProgramNames) {
    absl::StatusOr<std::string> found = FindProgram(name, path);
    if (found.ok()) return found;
  }
  return absl::NotFoundError(
      absl::StrCat("there is no program ", absl::StrJoin(kProgramNames, " or "),
                   " in ", folder, " or along the PATH; name it by --program"));
}

absl::StatusOr<std::string> DaemonConfigOf(const CommandLine& command,
                                           const Variables& variables) {
  const std::string told =
      FlagOrVariable(command.asked, variables, kConfigFlag);
  if (!told.empty()) return FromRoot(told);
  const std::string folder =
      absl::StrCat(DaemonVariable(variables, "HOME"), "/.cco/config/");
  const std::string usual[] = {folder + "gateway.yaml", folder + "gateway.json",
                               folder + "orchestra-config.json"};
  for (const std::string& path : usual) {
    if (access(path.c_str(), F_OK) == 0) return path;
  }
  return absl::NotFoundError(absl::StrCat("there is no configuration at ",
                                          absl::StrJoin(usual, ", "),
                                          "; name it by --config"));
}

absl::StatusOr<absl::Duration> DaemonGraceOf(const OperatorWords& words) {
  const std::string text = LastOf(words, kGraceFlag);
  if (text.empty()) return kDefaultGrace;
  absl::Duration grace;
  if (!absl::ParseDuration(text, &grace) || grace < absl::ZeroDuration() ||
      grace > absl::Hours(1)) {
    return FlagMistake(kGraceFlag,
                       absl::StrCat("must be a time from 0s to 1h, as in 10s, "
                                    "not '",
                                    text, "'"));
  }
  return grace;
}

absl::Status RememberStart(const DaemonFiles& files, const OperatorWords& words,
                           const Variables& variables) {
  google::protobuf::Struct told;
  for (const std::string_view flag : kStartFlags) {
    std::string value = FlagOrVariable(words, variables, flag);
    if (value.empty()) continue;
    // A program without a slash is looked for along the PATH.
    if (flag != kProgramFlag || value.find('/') != value.npos) {
      value = FromRoot(value);
    }
    if (!IsUtf8(value)) {
      return FlagMistake(flag,
                         "is a path that is no text in UTF-8, as which it is "
                         "kept");
    }
    (*told.mutable_fields())[std::string(flag)].set_string_value(value);
  }
  return WriteStart(StartFileOf(files), told);
}

absl::Status RememberProcess(const DaemonFiles& files,
                             const ProcessIdentity& process) {
  const std::string path = StartFileOf(files);
  GATEWAY_ASSIGN_OR_RETURN(google::protobuf::Struct told, ReadStart(path));
  auto& fields = *told.mutable_fields();
  fields[kProcessField].set_number_value(static_cast<double>(process.pid));
  fields[kProcessStartField].set_string_value(process.start);
  return WriteStart(path, told);
}

absl::Status RememberAskedToEnd(const DaemonFiles& files,
                                const ProcessIdentity& process) {
  const std::string path = StartFileOf(files);
  absl::StatusOr<google::protobuf::Struct> told = ReadStart(path);
  // Others may have started it, and it is to be asked once all the same.
  if (!told.ok()) told = google::protobuf::Struct();
  (*told->mutable_fields())[kAskedField].set_string_value(
      NumberAndStart(process));
  return WriteStart(path, *told);
}

bool WasAskedToEnd(const DaemonFiles& files, const ProcessIdentity& process) {
  const absl::StatusOr<google::protobuf::Struct> told =
      ReadStart(StartFileOf(files));
  if (!told.ok() || process.start.empty()) return false;
  const auto asked = told->fields().find(kAskedField);
  return asked != told->fields().end() &&
         asked->second.string_value() == NumberAndStart(process);
}

std::optional<ProcessIdentity> StartedProcess(const DaemonFiles& files) {
  const absl::StatusOr<google::protobuf::Struct> told =
      ReadStart(StartFileOf(files));
  if (!told.ok()) return std::nullopt;
  const auto pid = told->fields().find(kProcessField);
  const auto start = told->fields().find(kProcessStartField);
  if (pid == told->fields().end() || start == told->fields().end()) {
    return std::nullopt;
  }
  ProcessIdentity process;
  // A process whose start is not known may be anybody's.
  process.start = start->second.string_value();
  const double number = pid->second.number_value();
  if (process.start.empty() || !(number >= 1 && number <= INT32_MAX)) {
    return std::nullopt;
  }
  process.pid = static_cast<int64_t>(number);
  if (!IsRunning(process)) return std::nullopt;
  return process;
}

absl::StatusOr<OperatorWords> WithStart(const DaemonFiles& files,
                                        OperatorWords words) {
  const std::string path = StartFileOf(files);
  const absl::StatusOr<google::protobuf::Struct> told = ReadStart(path);
  if (absl::IsNotFound(told.status())) return words;
  if (!told.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        " does not say how the gateway was started: ", told.status().message(),
        "; remove it, and give the flags of daemon start again"));
  }
  for (const std::string_view flag : kStartFlags) {
    const auto found = told->fields().find(std::string(flag));
    if (found == told->fields().end()) continue;
    // In front of what is said now, which counts more.
    words.flags.emplace(words.flags.begin(), flag,
                        found->second.string_value());
  }
  return words;
}

absl::StatusOr<std::string> WithSwitches(const std::string& text,
                                         bool gateway_enabled,
                                         bool proxy_enabled) {
  const std::string_view before =
      text.empty() ? std::string_view("{}\n") : std::string_view(text);
  SwitchesText changed(before);
  const absl::Status read = ReadJson(before, [&](JsonValue& root) {
    return changed.Read(root, {{"gatewayEnabled", gateway_enabled},
                               {"proxyEnabled", proxy_enabled}});
  });
  if (read.ok()) return std::move(changed).Text();
  return absl::InvalidArgumentError(
      absl::StrCat("is no JSON object: ", read.message()));
}

}  // namespace gateway
