#include "clients/cli/contexts.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/net/base_url.h"
#include "base/net/host_port.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/told_file.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace gateway {
namespace {

using google::protobuf::Struct;

constexpr size_t kContextsBytesMax = 1024 * 1024;
constexpr size_t kContextNameMax = 64;
constexpr char kCurrentField[] = "current";
constexpr char kContextsField[] = "contexts";

constexpr std::string_view kSetContextFlags[] = {"--key_variable",
                                                 "--operator_key_variable"};
constexpr OperatorVerb kContextsVerbs[] = {
    {"list", {}}, {"set", kSetContextFlags}, {"use", {}}, {"remove", {}}};

// What may stand in a field, returned as it is kept. An error says what is
// wrong with it.
using ReadField = absl::StatusOr<std::string> (*)(const std::string& text);

absl::StatusOr<std::string> ReadUrl(const std::string& text) {
  const absl::Status legal = ParseBaseUrl(text).status();
  if (legal.ok()) return text;
  return absl::InvalidArgumentError(
      absl::StrCat("is no URL: it ", legal.message()));
}

absl::StatusOr<std::string> ReadFileName(const std::string& text) {
  return FromRoot(text);
}

// As gRPC takes it: `host:port`, or a name of its own, as in `dns:///a:1`.
absl::StatusOr<std::string> ReadTarget(const std::string& text) {
  for (const char* const scheme : {"dns:", "ipv4:", "ipv6:", "unix:"}) {
    if (absl::StartsWith(text, scheme)) return text;
  }
  const absl::StatusOr<HostPort> parts = ParseHostPort(text);
  if (!parts.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "must be HOST:PORT, not '", text, "': it ", parts.status().message()));
  }
  if (!parts->host.empty() && parts->port != 0) return text;
  return absl::InvalidArgumentError(
      absl::StrCat("must be HOST:PORT, with both, not '", text, "'"));
}

absl::StatusOr<std::string> ReadVariableName(const std::string& text) {
  const auto is_part = [](char c) {
    return absl::ascii_isalnum(c) || c == '_';
  };
  const bool legal = !absl::ascii_isdigit(text[0]) &&
                     std::all_of(text.begin(), text.end(), is_part);
  if (legal) return text;
  // Not repeated: it may be the key itself.
  return absl::InvalidArgumentError(
      "names the variable of the environment that has the key, as in "
      "PROD_KEY; what stands there is no such name");
}

// A field of a context that is as a flag of every command, and the variable
// that says the same.
struct ContextPlace {
  const char* field;
  std::string CommandLine::* flag;
  const char* variable;  // Null if there is none.
  ReadField read;
};
constexpr ContextPlace kContextPlaces[] = {
    {"url", &CommandLine::url, "GATEWAY_URL", ReadUrl},
    {"pid_file", &CommandLine::pid_file, "GATEWAY_PID_FILE", ReadFileName},
    {"admin", &CommandLine::admin, "GATEWAY_ADMIN", ReadTarget},
    {"grpc", &CommandLine::grpc, "GATEWAY", ReadTarget},
    {"ca_file", &CommandLine::ca_file, nullptr, ReadFileName}};

// A field that names the variable that has a key, and where keys are looked
// for.
struct ContextKey {
  const char* field;
  std::string_view flag;
  const char* variable;
};
constexpr ContextKey kContextKeys[] = {
    {"key_variable", "--key_variable", "GATEWAY_KEY"},
    {"operator_key_variable", "--operator_key_variable",
     "GATEWAY_OPERATOR_KEY"}};

std::string SetVariable(const Variables& variables, const char* name) {
  const auto found = variables.find(name);
  return found == variables.end() ? std::string() : found->second;
}

absl::StatusOr<std::string> ContextsPath(const Variables& variables) {
  std::string path = SetVariable(variables, "GATEWAYCTL_CONTEXTS");
  if (!path.empty()) return path;
  const std::string folder = SetVariable(variables, "XDG_CONFIG_HOME");
  if (!folder.empty()) return folder + "/gatewayctl/contexts.json";
  const std::string home = SetVariable(variables, "HOME");
  if (!home.empty()) return home + "/.config/gatewayctl/contexts.json";
  return absl::InvalidArgumentError(
      "neither HOME nor GATEWAYCTL_CONTEXTS says where the contexts are");
}

// Empty if there is no file.
absl::StatusOr<Struct> ReadContexts(const std::string& path) {
  Struct all;
  const absl::StatusOr<std::string> text = ReadFile(path, kContextsBytesMax);
  if (absl::IsNotFound(text.status())) return all;
  if (!text.ok()) {
    return absl::Status(text.status().code(),
                        absl::StrCat(path, ": ", text.status().message()));
  }
  const auto read = google::protobuf::util::JsonStringToMessage(*text, &all);
  if (read.ok()) return all;
  return absl::InvalidArgumentError(
      absl::StrCat(path, " is no JSON object: ", read.message().as_string()));
}

absl::Status WriteContexts(const std::string& path, const Struct& all) {
  for (size_t slash = path.find('/', 1); slash != path.npos;
       slash = path.find('/', slash + 1)) {
    // That it cannot be made is seen when the file is written.
    mkdir(path.substr(0, slash).c_str(), 0700);
  }
  // A link, as into a folder of dotfiles, stays one.
  std::error_code error;
  const std::filesystem::path file =
      std::filesystem::weakly_canonical(path, error);
  const absl::Status written = ReplaceFile(error ? path : file.string(),
                                           AsJson(all), FileReaders::kOwner);
  if (written.ok()) return written;
  return absl::Status(written.code(),
                      absl::StrCat(path, ": ", written.message()));
}

std::string FieldText(const Struct& from, const char* field) {
  const auto found = from.fields().find(field);
  return found == from.fields().end() ? "" : found->second.string_value();
}

// Null if there is none of the name.
const Struct* ContextOf(const Struct& all, const std::string& name) {
  const auto contexts = all.fields().find(kContextsField);
  if (contexts == all.fields().end()) return nullptr;
  const auto& fields = contexts->second.struct_value().fields();
  const auto found = fields.find(name);
  return found == fields.end() ? nullptr : &found->second.struct_value();
}

absl::Status NoContext(const std::string& name) {
  return absl::NotFoundError(
      absl::StrCat("there is no context ", name,
                   "; gatewayctl contexts list shows those that there are"));
}

std::string ContextsTable(const Struct& all) {
  const auto contexts = all.fields().find(kContextsField);
  if (contexts == all.fields().end() ||
      contexts->second.struct_value().fields().empty()) {
    return "there are no contexts\n";
  }
  const std::string current = FieldText(all, kCurrentField);
  std::map<std::string, const Struct*> sorted;
  for (const auto& [name, value] : contexts->second.struct_value().fields()) {
    sorted[name] = &value.struct_value();
  }
  std::vector<Row> rows = {{"IN USE", "NAME", "URL", "GRPC", "ADMIN"}};
  for (const auto& [name, context] : sorted) {
    rows.push_back({name == current ? "*" : "", name,
                    OrDash(FieldText(*context, "url")),
                    OrDash(FieldText(*context, "grpc")),
                    OrDash(FieldText(*context, "admin"))});
  }
  return Table(rows);
}

// Sets a field to what a flag says, if it says something.
absl::Status SetField(const char* field, std::string_view flag,
                      const std::string& said, ReadField read,
                      Struct* context) {
  if (said.empty()) return absl::OkStatus();
  absl::StatusOr<std::string> value = read(said);
  if (!value.ok()) {
    return FlagMistake(flag, std::string(value.status().message()));
  }
  (*context->mutable_fields())[field].set_string_value(*std::move(value));
  return absl::OkStatus();
}

// Adds what the flags say to what the context has said before.
absl::Status AddSaidFields(const CommandLine& command, Struct* context) {
  for (const ContextPlace& place : kContextPlaces) {
    GATEWAY_RETURN_IF_ERROR(SetField(place.field,
                                     absl::StrCat("--", place.field),
                                     command.*place.flag, place.read, context));
  }
  for (const ContextKey& key : kContextKeys) {
    GATEWAY_RETURN_IF_ERROR(SetField(key.field, key.flag,
                                     LastOf(command.asked, key.flag),
                                     ReadVariableName, context));
  }
  return absl::OkStatus();
}

bool SaysSomething(const CommandLine& command) {
  for (const ContextPlace& place : kContextPlaces) {
    if (!(command.*place.flag).empty()) return true;
  }
  return !command.asked.flags.empty();
}

absl::Status CheckContextName(const std::string& name) {
  const auto is_part = [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("._-", c);
  };
  const bool legal = !name.empty() && name.size() <= kContextNameMax &&
                     absl::ascii_isalnum(name[0]) && name != "none" &&
                     std::all_of(name.begin(), name.end(), is_part);
  if (legal) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "a context's name has up to ", kContextNameMax,
      " letters, digits, '.', '_' and '-', begins with a letter or a digit, "
      "and is not none; '",
      name, "' is no such name"));
}

// What to say of a change, and the same as JSON, such as {"removed": "test"}.
std::string ContextChangeText(const OperatorWords& words, const char* what,
                              const std::string& name, Struct context = {}) {
  if (!words.as_json) return absl::StrCat(what, "  ", name, "\n");
  (*context.mutable_fields())[what].set_string_value(name);
  return AsJson(context);
}

// Returns what to say of it.
absl::StatusOr<std::string> ChangeContexts(const CommandLine& command,
                                           Struct* all) {
  GATEWAY_ASSIGN_OR_RETURN(
      const std::string name,
      OneNameOf(kContextsCommand, command.asked, "one context's name"));
  const std::string& what = command.asked.words[0];
  auto& fields = *all->mutable_fields();
  if (what == "set") {
    GATEWAY_RETURN_IF_ERROR(CheckContextName(name));
    if (!SaysSomething(command)) {
      return absl::InvalidArgumentError(
          "contexts set takes what it is to say, as --admin HOST:PORT; see "
          "gatewayctl --help");
    }
    auto& contexts = *fields[kContextsField].mutable_struct_value();
    Struct& context =
        *(*contexts.mutable_fields())[name].mutable_struct_value();
    GATEWAY_RETURN_IF_ERROR(AddSaidFields(command, &context));
    return ContextChangeText(command.asked, "set", name, context);
  }
  if (what == "use" && name == "none") {
    fields.erase(kCurrentField);
    return command.asked.as_json ? AsJson(Struct())
                                 : std::string("no context is in use\n");
  }
  if (ContextOf(*all, name) == nullptr) return NoContext(name);
  if (what == "use") {
    fields[kCurrentField].set_string_value(name);
    return ContextChangeText(
        command.asked, command.asked.as_json ? "current" : "in use", name);
  }
  fields[kContextsField].mutable_struct_value()->mutable_fields()->erase(name);
  if (FieldText(*all, kCurrentField) == name) fields.erase(kCurrentField);
  return ContextChangeText(command.asked, "removed", name);
}

}  // namespace

const OperatorCommand kContextsCommand = {"contexts", kContextsVerbs};

absl::Status ApplyContext(CommandLine* command, Variables* variables) {
  const bool is_named = !command->gateway_context.empty();
  const absl::StatusOr<std::string> path = ContextsPath(*variables);
  // Nobody who has no home needs contexts.
  if (!path.ok()) return is_named ? path.status() : absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const Struct all, ReadContexts(*path));
  const std::string name =
      is_named ? command->gateway_context : FieldText(all, kCurrentField);
  if (name.empty()) return absl::OkStatus();
  const Struct* const context = ContextOf(all, name);
  if (context == nullptr) return NoContext(name);
  // Either says where the gateway is.
  const bool is_placed =
      !command->url.empty() || !command->pid_file.empty() ||
      (!is_named && (!SetVariable(*variables, "GATEWAY_URL").empty() ||
                     !SetVariable(*variables, "GATEWAY_PID_FILE").empty()));
  for (const ContextPlace& place : kContextPlaces) {
    const bool is_place =
        place.flag == &CommandLine::url || place.flag == &CommandLine::pid_file;
    const bool is_set = !is_named && place.variable != nullptr &&
                        !SetVariable(*variables, place.variable).empty();
    std::string& value = command->*place.flag;
    if (!value.empty() || is_set || (is_place && is_placed)) continue;
    value = FieldText(*context, place.field);
  }
  for (const ContextKey& key : kContextKeys) {
    const std::string from = FieldText(*context, key.field);
    if (from.empty()) continue;
    if (!is_named && !SetVariable(*variables, key.variable).empty()) continue;
    (*variables)[key.variable] = SetVariable(*variables, from.c_str());
  }
  const bool is_found =
      is_placed || !command->url.empty() || !command->pid_file.empty();
  if (!is_found) command->placeless_context = name;
  return absl::OkStatus();
}

std::vector<std::string> ContextNames(const Variables& variables) {
  std::vector<std::string> names;
  const absl::StatusOr<std::string> path = ContextsPath(variables);
  if (!path.ok()) return names;
  const absl::StatusOr<Struct> all = ReadContexts(*path);
  if (!all.ok()) return names;
  const auto contexts = all->fields().find(kContextsField);
  if (contexts == all->fields().end()) return names;
  for (const auto& [name, value] : contexts->second.struct_value().fields()) {
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::string> RunContexts(const CommandLine& command,
                                        const Variables& variables) {
  GATEWAY_RETURN_IF_ERROR(CheckWords(kContextsCommand, command.asked));
  GATEWAY_ASSIGN_OR_RETURN(const std::string path, ContextsPath(variables));
  GATEWAY_ASSIGN_OR_RETURN(Struct all, ReadContexts(path));
  if (command.asked.words[0] == "list") {
    GATEWAY_RETURN_IF_ERROR(CheckNoName(kContextsCommand, command.asked));
    return command.asked.as_json ? AsJson(all) : ContextsTable(all);
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string said,
                           ChangeContexts(command, &all));
  GATEWAY_RETURN_IF_ERROR(WriteContexts(path, all));
  return said;
}

}  // namespace gateway
