#include "providers/provider_settings.h"

#include "google/protobuf/descriptor.h"

namespace gateway {
namespace {

using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::Message;
using ::llmgateway::config::v1::HttpUpstream;
using ::llmgateway::config::v1::ProviderConfig;

// The field of the kind that is set; null if none is.
const FieldDescriptor* KindField(const ProviderConfig& config) {
  return config.GetReflection()->GetOneofFieldDescriptor(
      config, config.GetDescriptor()->FindOneofByName("kind"));
}

const FieldDescriptor* HttpSettingsField(const Message& settings) {
  return settings.GetDescriptor()->FindFieldByName("http");
}

}  // namespace

std::string_view ProviderKindName(const ProviderConfig& config) {
  const FieldDescriptor* const kind = KindField(config);
  return kind == nullptr ? std::string_view() : kind->name();
}

const Message* ProviderSettings(const ProviderConfig& config) {
  const FieldDescriptor* const kind = KindField(config);
  if (kind == nullptr) return nullptr;
  return &config.GetReflection()->GetMessage(config, kind);
}

Message* MutableProviderSettings(ProviderConfig* config) {
  const FieldDescriptor* const kind = KindField(*config);
  if (kind == nullptr) return nullptr;
  return config->GetReflection()->MutableMessage(config, kind);
}

bool HasSetting(const Message& settings, const std::string& field) {
  return settings.GetDescriptor()->FindFieldByName(field) != nullptr;
}

std::string TextSetting(const Message& settings, const std::string& field) {
  const FieldDescriptor* const found =
      settings.GetDescriptor()->FindFieldByName(field);
  if (found == nullptr) return std::string();
  return settings.GetReflection()->GetString(settings, found);
}

const HttpUpstream* HttpSettings(const Message& settings) {
  const FieldDescriptor* const http = HttpSettingsField(settings);
  if (http == nullptr) return nullptr;
  return static_cast<const HttpUpstream*>(
      &settings.GetReflection()->GetMessage(settings, http));
}

HttpUpstream* MutableHttpSettings(Message* settings) {
  const FieldDescriptor* const http = HttpSettingsField(*settings);
  if (http == nullptr) return nullptr;
  return static_cast<HttpUpstream*>(
      settings->GetReflection()->MutableMessage(settings, http));
}

}  // namespace gateway
