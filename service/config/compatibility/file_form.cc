#include "service/config/compatibility/file_form.h"

#include <algorithm>
#include <cassert>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "google/protobuf/message.h"
#include "service/config/compatibility/budget_config.h"
#include "service/config/compatibility/foreign_files.pb.h"
#include "service/config/compatibility/llm_gateway_settings.h"
#include "service/config/compatibility/router_config.h"

namespace gateway {
namespace {

using ::google::protobuf::Message;
using ::llmgateway::compatibility::DomainTagRoute;
using ::llmgateway::compatibility::RouterConfig;
using ::llmgateway::compatibility::RouterConfigFile;
using ::llmgateway::compatibility::SettingsFile;

constexpr std::string_view kRouterConfigSectionName = "router_config";

bool HasAny(const std::vector<std::string>& keys,
            std::initializer_list<std::string_view> wanted) {
  return std::find_first_of(keys.begin(), keys.end(), wanted.begin(),
                            wanted.end()) != keys.end();
}

}  // namespace

FileForm FileFormOf(const std::vector<std::string>& root_keys) {
  if (HasAny(root_keys, {"llmGateway", "gatewayEnabled", "proxyEnabled"})) {
    return FileForm::kLlmGateway;
  }
  if (HasAny(root_keys, {kRouterConfigSectionName})) {
    return FileForm::kRouterConfigSection;
  }
  if (HasAny(root_keys, {"default_provider", "default_model"})) {
    return FileForm::kRouterConfig;
  }
  return FileForm::kOwn;
}

FileSpelling SpellingOf(FileForm form) {
  switch (form) {
    case FileForm::kOwn:
      return {};
    case FileForm::kLlmGateway:
      return {
          .camel_case = true, .null_is_absent = true, .section = "llmGateway"};
    case FileForm::kRouterConfig:
      return {.null_is_absent = true};
    case FileForm::kRouterConfigSection:
      return {.null_is_absent = true, .section = kRouterConfigSectionName};
  }
  return {};
}

std::unique_ptr<Message> NewFileOf(FileForm form) {
  assert(form != FileForm::kOwn);
  if (form == FileForm::kLlmGateway) return std::make_unique<SettingsFile>();
  if (form == FileForm::kRouterConfig) return std::make_unique<RouterConfig>();
  return std::make_unique<RouterConfigFile>();
}

bool ReadShortForm(const std::string& text, Message* message) {
  if (message->GetDescriptor() != DomainTagRoute::descriptor()) return false;
  static_cast<DomainTagRoute*>(message)->set_provider_id(text);
  return true;
}

void TranslateFile(FileForm form, const Message& file,
                   Translation* translation) {
  switch (form) {
    case FileForm::kOwn:
      return;
    case FileForm::kLlmGateway:
      return TranslateLlmGatewaySettings(static_cast<const SettingsFile&>(file),
                                         translation);
    case FileForm::kRouterConfig:
      return TranslateRouterConfig(static_cast<const RouterConfig&>(file), "",
                                   translation);
    case FileForm::kRouterConfigSection: {
      const auto& sections = static_cast<const RouterConfigFile&>(file);
      TranslateRouterConfig(sections.router_config(), kRouterConfigSectionName,
                            translation);
      if (!sections.has_budget_config()) return;
      return TranslateBudgetConfig(
          sections.budget_config(), "budget_config",
          sections.router_config().dev_mode().bypass_budget(), translation);
    }
  }
}

}  // namespace gateway
