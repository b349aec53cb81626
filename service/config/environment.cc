#include "service/config/environment.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "service/config/compatibility_variables.h"
#include "service/config/field_value.h"
#include "service/config/nearest_name.h"

extern char** environ;

namespace gateway {
namespace {

using ::google::protobuf::Descriptor;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::MessageFactory;
using ::llmgateway::config::v1::GatewayConfig;

constexpr char kPrefix[] = "LLM_GATEWAY_";
constexpr char kSource[] = "environment";

void ListOverrides(const Descriptor& type, const std::string& path,
                   std::vector<EnvironmentOverride>* overrides) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.is_repeated()) continue;
    const std::string field_path = JoinPath(path, field.name());
    if (IsTextual(field)) {
      const std::string name =
          absl::AsciiStrToUpper(absl::StrReplaceAll(field_path, {{".", "_"}}));
      overrides->push_back({absl::StrCat(kPrefix, name), field_path});
    } else {
      ListOverrides(*field.message_type(), field_path, overrides);
    }
  }
}

// Returns whether Kubernetes made the variable for a service: X_SERVICE_HOST,
// X_SERVICE_PORT, X_SERVICE_PORT_NAME, X_PORT, X_PORT_80_TCP,
// X_PORT_80_TCP_ADDR and so on.
bool IsMadeByKubernetes(const std::string& name, const std::string& value) {
  if (absl::EndsWith(name, "_SERVICE_HOST") ||
      absl::EndsWith(name, "_SERVICE_PORT") ||
      absl::StrContains(name, "_SERVICE_PORT_")) {
    return true;
  }
  if (absl::EndsWith(name, "_PORT")) {
    return absl::StrContains(value, "://") ||
           absl::StrContains(name, "_TCP_") || absl::StrContains(name, "_UDP_");
  }
  for (const char* protocol : {"_TCP", "_UDP", "_SCTP"}) {
    if (absl::StrContains(name, "_PORT_") &&
        absl::StrContains(name, protocol)) {
      return true;
    }
  }
  return false;
}

}  // namespace

Environment ProcessEnvironment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) continue;
    environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

absl::Status AssignPath(const std::string& path, std::string_view text,
                        Message* message) {
  std::vector<const FieldDescriptor*> fields;
  const Descriptor* type = message->GetDescriptor();
  for (const absl::string_view name : absl::StrSplit(path, '.')) {
    fields.push_back(type->FindFieldByName(std::string(name)));
    type = fields.back()->message_type();
  }
  const FieldDescriptor& last = *fields.back();
  // Tried out first: a text that is refused makes no section, whose other
  // fields would then be missing.
  const std::unique_ptr<Message> trial(
      MessageFactory::generated_factory()
          ->GetPrototype(last.containing_type())
          ->New());
  GATEWAY_RETURN_IF_ERROR(AssignText(text, last, trial.get()));
  fields.pop_back();
  for (const FieldDescriptor* const field : fields) {
    message = message->GetReflection()->MutableMessage(message, field);
  }
  return AssignText(text, last, message);
}

const std::vector<EnvironmentOverride>& EnvironmentOverrides() {
  // Never destroyed, since threads may read it while the process exits.
  static const auto& overrides = *[] {
    auto* list = new std::vector<EnvironmentOverride>;
    ListOverrides(*GatewayConfig::descriptor(), "", list);
    std::sort(list->begin(), list->end(),
              [](const EnvironmentOverride& a, const EnvironmentOverride& b) {
                return a.variable < b.variable;
              });
    return list;
  }();
  return overrides;
}

void ApplyEnvironment(const Environment& environment, GatewayConfig* config,
                      ConfigProblems* problems) {
  // First, so that the fields' own variables win.
  ApplyCompatibilityVariables(environment, config, problems);
  const std::vector<EnvironmentOverride>& overrides = EnvironmentOverrides();
  for (auto variable = environment.lower_bound(kPrefix);
       variable != environment.end() &&
       absl::StartsWith(variable->first, kPrefix);
       ++variable) {
    const auto& [name, text] = *variable;
    if (text.empty()) continue;
    const auto found = std::lower_bound(
        overrides.begin(), overrides.end(), name,
        [](const EnvironmentOverride& override, const std::string& wanted) {
          return override.variable < wanted;
        });
    if (found != overrides.end() && found->variable == name) {
      const absl::Status status = AssignPath(found->path, text, config);
      if (!status.ok()) {
        problems->AddFrom(kSource, name, ToStd(status.message()));
      } else {
        problems->TellAsFrom(found->path, kSource, name);
      }
      continue;
    }
    if (IsMadeByKubernetes(name, text) || IsCompatibilityVariable(name)) {
      continue;
    }
    std::vector<std::string> names;
    for (const std::string_view known : CompatibilityVariables()) {
      names.emplace_back(known);
    }
    for (const auto& override : overrides) names.push_back(override.variable);
    const std::string nearest = NearestName(name, names);
    problems->AddFrom(
        kSource, name,
        nearest.empty()
            ? "sets no field; unset it, or see docs/configuration.md"
            : absl::StrCat("sets no field; did you mean '", nearest, "'?"));
  }
}

}  // namespace gateway
