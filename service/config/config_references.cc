#include "service/config/config_references.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "providers/provider_settings.h"
#include "service/config/config_problem.h"
#include "service/config/masked.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::google::protobuf::Reflection;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::HttpUpstream;

// Values that refer to nothing are what is meant itself.
void CollectValues(const Message& message, const FieldDescriptor& map,
                   const std::string& path,
                   std::vector<NamedReference>* found) {
  const Reflection& reflection = *message.GetReflection();
  const auto first = static_cast<ptrdiff_t>(found->size());
  for (int i = 0; i < reflection.FieldSize(message, &map); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &map, i);
    const Reflection& fields = *entry.GetReflection();
    std::string value =
        fields.GetString(entry, map.message_type()->map_value());
    if (!SecretReference::Parse(value).ok()) continue;
    found->push_back(
        {EntryPath(path,
                   fields.GetString(entry, map.message_type()->map_key())),
         std::move(value)});
  }
  // Maps have no order.
  std::sort(found->begin() + first, found->end(),
            [](const NamedReference& a, const NamedReference& b) {
              return a.path < b.path;
            });
}

void Collect(const Message& message, const std::string& path,
             std::vector<NamedReference>* found) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const std::string field_path = JoinPath(path, field->name());
    if (field->is_map()) {
      if (IsSecretReference(*field)) {
        CollectValues(message, *field, field_path, found);
      }
    } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      if (!field->is_repeated()) {
        Collect(reflection.GetMessage(message, field), field_path, found);
        continue;
      }
      for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
        Collect(reflection.GetRepeatedMessage(message, field, i),
                ElementPath(field_path, static_cast<size_t>(i)), found);
      }
    } else if (!field->is_repeated() && IsSecretReference(*field)) {
      found->push_back({field_path, reflection.GetString(message, field)});
    }
  }
}

}  // namespace

std::vector<NamedReference> SecretReferencesOf(const GatewayConfig& config) {
  std::vector<NamedReference> found;
  Collect(config, "", &found);
  return found;
}

std::vector<NamedReference> CaFilesOf(const GatewayConfig& config) {
  std::vector<NamedReference> found;
  for (int i = 0; i < config.providers_size(); ++i) {
    const auto& provider = config.providers(i);
    const Message* const settings = ProviderSettings(provider);
    if (settings == nullptr) continue;
    const HttpUpstream* const http = HttpSettings(*settings);
    if (http == nullptr || http->ca_file().empty()) continue;
    found.push_back(
        {absl::StrCat(ElementPath("providers", static_cast<size_t>(i)), ".",
                      ToAbsl(ProviderKindName(provider)), ".http.ca_file"),
         http->ca_file()});
  }
  if (!config.tracing().ca_file().empty()) {
    found.push_back({"tracing.ca_file", config.tracing().ca_file()});
  }
  return found;
}

std::vector<std::string> FilesNamedBy(const GatewayConfig& config) {
  std::vector<std::string> files;
  for (const NamedReference& named : SecretReferencesOf(config)) {
    const absl::StatusOr<SecretReference> reference =
        SecretReference::Parse(named.reference);
    if (reference.ok() && reference->is_file()) {
      files.push_back(reference->name());
    }
  }
  for (NamedReference& named : CaFilesOf(config)) {
    files.push_back(std::move(named.reference));
  }
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

}  // namespace gateway
