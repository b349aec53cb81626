// Settings of which `llmGateway` is one section, in camel case, as a
// GatewayConfig: providers by name with one type each, agents and tiers of
// models that have a provider, and one chain of providers for when it fails.
// What becomes of each field is told in docs/compatible_configurations.md.
//
//   TranslateLlmGatewaySettings(file, &translation);
//   config.routing().agent_rules(0).targets(0).provider();  // "azure"
//
// Thread-safe.

#ifndef SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_SETTINGS_H_
#define SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_SETTINGS_H_

#include "service/config/compatibility/foreign_files.pb.h"
#include "service/config/compatibility/translation.h"

namespace gateway {

void TranslateLlmGatewaySettings(
    const llmgateway::compatibility::SettingsFile& file,
    Translation* translation);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_SETTINGS_H_
