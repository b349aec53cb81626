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
#include "base/net/host_port.h"
#include "base/os/file.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "clients/cli/answer_text.h"
#include "clients/cli/file_lock.h"
#include "clients/cli/route_search.h"
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
  const absl::Status legal = CheckGatewayUrl(text);
  if (legal.ok()) return text;
  return absl::InvalidArgumentError(
      absl::StrCat("is no URL: it ", legal.message()));
}

absl::StatusOr<std::string> ReadFileName(const std::string& text) {
  std::string path = FromRoot(text);
  if (IsUtf8(path)) return path;
  return absl::InvalidArgumentError(
      "is a path that is no text in UTF-8, as which contexts are kept");
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

// A field of a context that is as a flag of every command.
struct ContextPlace {
  const char* field;
  std::string CommandLine::* flag;
  ReadField read;
};
constexpr ContextPlace kContextPlaces[] = {
    {"url", &CommandLine::url, ReadUrl},
    {"pid_file", &CommandLine::pid_file, ReadFileName},
    {"admin", &CommandLine::admin, ReadTarget},
    {"grpc", &CommandLine::grpc, ReadTarget},
    {"ca_file", &CommandLine::ca_file, ReadFileName},
    {"cert_file", &CommandLine::cert_file, ReadFileName},
    {"key_file", &CommandLine::key_file, ReadFileName}};

// A field that names the variable that has a key.
struct ContextKey {
  const char* field;
  std::string_view flag;
};
constexpr ContextKey kContextKeys[] = {
    {"key_variable", "--key_variable"},
    {"operator_key_variable", "--operator_key_variable"}};

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

// What has another form was written by somebody else, and is not written over:
// contexts are objects by their names, and all that they say are texts.
absl::Status CheckForm(const std::string& path, const Struct& all) {
  const auto wrong = [&path](std::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has no contexts in it: ", ToAbsl(what)));
  };
  for (const auto& [field, value] : all.fields()) {
    if (field == kCurrentField && !value.has_string_value()) {
      return wrong("\"current\" must be the name of one");
    }
    if (field != kContextsField) continue;
    if (!value.has_struct_value()) {
      return wrong("\"contexts\" must be an object, by their names");
    }
    for (const auto& [name, context] : value.struct_value().fields()) {
      if (!context.has_struct_value()) {
        return wrong(absl::StrCat("\"", name, "\" must be an object"));
      }
      for (const auto& [key, text] : context.struct_value().fields()) {
        if (text.has_string_value()) continue;
        return wrong(
            absl::StrCat("\"", key, "\" of \"", name, "\" must be a text"));
      }
    }
  }
  return absl::OkStatus();
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
  if (!read.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is no JSON object: ", read.message().as_string()));
  }
  GATEWAY_RETURN_IF_ERROR(CheckForm(path, all));
  return all;
}

void MakeFoldersOf(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != path.npos;
       slash = path.find('/', slash + 1)) {
    // That it cannot be made is seen when the file is written.
    mkdir(path.substr(0, slash).c_str(), 0700);
  }
}

absl::Status WriteContexts(const std::string& path, const Struct& all) {
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

// A listener that commands ask: how it is named alone, and what goes to it.
struct ContextListener {
  const char* field;
  std::string CommandLine::* flag;
  const char* variable;
  TlsFiles CommandLine::* tls;
  // Null if no key is shown there.
  const char* key_field;
  const char* key_variable;
  std::string CommandLine::* key_from;
};
// The first is named by what names all: a URL or a PID file.
constexpr ContextListener kContextListeners[] = {
    {nullptr, nullptr, nullptr, &CommandLine::url_tls, nullptr, nullptr,
     nullptr},
    {"admin", &CommandLine::admin, "GATEWAY_ADMIN", &CommandLine::admin_tls,
     "operator_key_variable", "GATEWAY_OPERATOR_KEY",
     &CommandLine::operator_key_variable},
    {"grpc", &CommandLine::grpc, "GATEWAY", &CommandLine::grpc_tls,
     "key_variable", "GATEWAY_KEY", &CommandLine::caller_key_variable}};

// Where the listeners of the gateway that is meant are. Each is where the first
// says that says where it is, or where the gateway is: flags, a context that is
// named, variables, the context in use. Who says where says with which key and
// whom to trust, too: what a context says of those is for its own addresses.
class Destination {
 public:
  // Borrows nothing. Variables count for nothing where a context is named.
  Destination(const CommandLine& said, const Variables& told,
              const Struct& context, bool is_named)
      : said_(said), told_(told), context_(context), is_named_(is_named) {}

  // Whether anybody says where the gateway is.
  bool is_placed() const {
    return PlacedBy(kContextListeners[0]) != Who::kNobody;
  }

  // Leaves nothing in either that counts less than what has been found.
  void Apply(CommandLine* command, Variables* variables) const {
    const Who all = PlacedBy(kContextListeners[0]);
    if (all != Who::kVariables) {
      variables->erase("GATEWAY_URL");
      variables->erase("GATEWAY_PID_FILE");
    }
    if (all == Who::kContext) {
      command->url = FieldText(context_, "url");
      command->pid_file = FieldText(context_, "pid_file");
    }
    for (const ContextListener& listener : kContextListeners) {
      ApplyListener(listener, command, variables);
    }
  }

 private:
  enum class Who { kNobody, kFlags, kVariables, kContext };

  std::string Told(const char* variable) const {
    return SetVariable(told_, variable);
  }

  Who PlacedBy(const ContextListener& listener) const {
    const bool has_own = listener.field != nullptr;
    if (!said_.url.empty() || !said_.pid_file.empty() ||
        (has_own && !(said_.*listener.flag).empty())) {
      return Who::kFlags;
    }
    if (!is_named_ &&
        (!Told("GATEWAY_URL").empty() || !Told("GATEWAY_PID_FILE").empty() ||
         (has_own && !Told(listener.variable).empty()))) {
      return Who::kVariables;
    }
    const bool has_context =
        !FieldText(context_, "url").empty() ||
        !FieldText(context_, "pid_file").empty() ||
        (has_own && !FieldText(context_, listener.field).empty());
    return has_context ? Who::kContext : Who::kNobody;
  }

  // Whether it is the context's, also where somebody else says so.
  bool IsOwn(const ContextListener& listener, Who who) const {
    if (who == Who::kContext) return true;
    if (listener.field == nullptr) return false;
    const std::string own = FieldText(context_, listener.field);
    if (own.empty()) return false;
    return (who == Who::kFlags && said_.*listener.flag == own) ||
           (who == Who::kVariables && Told(listener.variable) == own);
  }

  void ApplyListener(const ContextListener& listener, CommandLine* command,
                     Variables* variables) const {
    const Who who = PlacedBy(listener);
    const bool is_own = IsOwn(listener, who);
    TlsFiles& tls = command->*listener.tls;
    tls = {said_.ca_file, said_.cert_file, said_.key_file};
    // Who names a context trusts whom it trusts; nothing secret goes out by it.
    if (tls.ca.empty() && (is_own || is_named_)) {
      tls.ca = FieldText(context_, "ca_file");
    }
    // Who one is is shown to the context's own addresses, as its keys are.
    if (tls.cert.empty() && tls.key.empty() && is_own) {
      tls.cert = FieldText(context_, "cert_file");
      tls.key = FieldText(context_, "key_file");
    }
    if (listener.field == nullptr) return;
    if (who != Who::kVariables) variables->erase(listener.variable);
    if (who == Who::kContext) {
      command->*listener.flag = FieldText(context_, listener.field);
    }
    const std::string from = FieldText(context_, listener.key_field);
    if (!is_own || from.empty()) return;
    const std::string key = Told(from.c_str());
    (*variables)[listener.key_variable] = key;
    // What stands there in place of a variable's name may be the key itself.
    if (!key.empty()) command->*listener.key_from = from;
  }

  const CommandLine said_;
  const Variables told_;
  const Struct context_;
  const bool is_named_;
};

}  // namespace

const OperatorCommand kContextsCommand = {"contexts", kContextsVerbs};

absl::Status ApplyContext(CommandLine* command, Variables* variables) {
  const bool is_named = !command->gateway_context.empty();
  std::string name = command->gateway_context;
  Struct all;
  const absl::StatusOr<std::string> path = ContextsPath(*variables);
  // Nobody who has no home needs contexts.
  if (!path.ok() && is_named) return path.status();
  if (path.ok()) {
    GATEWAY_ASSIGN_OR_RETURN(all, ReadContexts(*path));
    if (!is_named) name = FieldText(all, kCurrentField);
  }
  const Struct* const context = name.empty() ? &all : ContextOf(all, name);
  if (context == nullptr) return NoContext(name);
  const Destination destination(*command, *variables,
                                name.empty() ? Struct() : *context, is_named);
  destination.Apply(command, variables);
  if (!name.empty() && !destination.is_placed()) {
    command->placeless_context = name;
  }
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
  if (command.asked.words[0] == "list") {
    GATEWAY_RETURN_IF_ERROR(CheckNoName(kContextsCommand, command.asked));
    GATEWAY_ASSIGN_OR_RETURN(const Struct all, ReadContexts(path));
    return command.asked.as_json ? AsJson(all) : ContextsTable(all);
  }
  // What others change meanwhile is not lost.
  MakeFoldersOf(path);
  GATEWAY_ASSIGN_OR_RETURN(const FileLock lock,
                           FileLock::Take(path + ".lock", [] {}));
  GATEWAY_ASSIGN_OR_RETURN(Struct all, ReadContexts(path));
  GATEWAY_ASSIGN_OR_RETURN(const std::string said,
                           ChangeContexts(command, &all));
  GATEWAY_RETURN_IF_ERROR(WriteContexts(path, all));
  return said;
}

}  // namespace gateway
