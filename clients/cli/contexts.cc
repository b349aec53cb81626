#include "clients/cli/contexts.h"

#include <sys/stat.h>

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "clients/cli/answer_text.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"

namespace gateway {
namespace {

using google::protobuf::Struct;

constexpr size_t kContextsBytesMax = 1024 * 1024;
constexpr char kCurrentField[] = "current";
constexpr char kContextsField[] = "contexts";

constexpr std::string_view kSetContextFlags[] = {"--key_variable",
                                                 "--operator_key_variable"};
constexpr OperatorVerb kContextsVerbs[] = {
    {"list", {}}, {"set", kSetContextFlags}, {"use", {}}, {"remove", {}}};

// A field of a context that is as a flag of every command, and the variable
// that says the same.
struct ContextPlace {
  const char* field;
  std::string CommandLine::* flag;
  const char* variable;  // Null if there is none.
};
constexpr ContextPlace kContextPlaces[] = {
    {"url", &CommandLine::url, "GATEWAY_URL"},
    {"pid_file", &CommandLine::pid_file, "GATEWAY_PID_FILE"},
    {"admin", &CommandLine::admin, "GATEWAY_ADMIN"},
    {"grpc", &CommandLine::grpc, "GATEWAY"},
    {"ca_file", &CommandLine::ca_file, nullptr}};

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
  const absl::Status written =
      ReplaceFile(path, AsJson(all), FileReaders::kOwner);
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

Struct ContextOfFlags(const CommandLine& command) {
  Struct context;
  auto& fields = *context.mutable_fields();
  for (const ContextPlace& place : kContextPlaces) {
    const std::string& value = command.*place.flag;
    if (!value.empty()) fields[place.field].set_string_value(value);
  }
  for (const ContextKey& key : kContextKeys) {
    const std::string value = LastOf(command.asked, key.flag);
    if (!value.empty()) fields[key.field].set_string_value(value);
  }
  return context;
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
    const Struct context = ContextOfFlags(command);
    if (context.fields().empty()) {
      return absl::InvalidArgumentError(
          "contexts set takes what it is to say, as --admin HOST:PORT; see "
          "gatewayctl --help");
    }
    auto& contexts = *fields[kContextsField].mutable_struct_value();
    *(*contexts.mutable_fields())[name].mutable_struct_value() = context;
    return absl::StrCat("set  ", name, "\n");
  }
  if (what == "use" && name == "none") {
    fields.erase(kCurrentField);
    return std::string("no context is in use\n");
  }
  if (ContextOf(*all, name) == nullptr) return NoContext(name);
  if (what == "use") {
    fields[kCurrentField].set_string_value(name);
    return absl::StrCat("in use  ", name, "\n");
  }
  fields[kContextsField].mutable_struct_value()->mutable_fields()->erase(name);
  if (FieldText(*all, kCurrentField) == name) fields.erase(kCurrentField);
  return absl::StrCat("removed  ", name, "\n");
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
  return absl::OkStatus();
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
