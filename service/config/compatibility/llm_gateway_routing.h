// The routing of an `llmGateway` section: agents and tiers of models that have
// a provider, one for all others, and a chain for when it fails. It takes the
// place of the shipped rules, even where it has no rules at all.
//
//   TranslateLlmRouting(settings, &translation);
//   config.routing().agent_rules(0).targets(0).provider();  // "azure"
//
// Thread-safe: free functions.

#ifndef SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_ROUTING_H_
#define SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_ROUTING_H_

#include "service/config/compatibility/foreign_files.pb.h"
#include "service/config/compatibility/translation.h"

namespace gateway {

// The providers have been translated before.
void TranslateLlmRouting(
    const llmgateway::compatibility::LlmGatewaySettings& settings,
    Translation* translation);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_ROUTING_H_
