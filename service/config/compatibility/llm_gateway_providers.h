// The providers of an `llmGateway` section, each of one type, with its address,
// its key, its time-out and its retries.
//
//   TranslateLlmProviders(settings, &translation);
//   config.providers(0).anthropic().api_key();  // "env:ANTHROPIC_API_KEY"
//
// Thread-safe: free functions.

#ifndef SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_PROVIDERS_H_
#define SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_PROVIDERS_H_

#include <string>

#include "service/config/compatibility/foreign_files.pb.h"
#include "service/config/compatibility/translation.h"

namespace gateway {

inline constexpr char kLlmGatewaySection[] = "llmGateway";

bool IsEnabled(const llmgateway::compatibility::LlmProviderSettings& settings);

// Returns the model that rules and fallbacks ask a provider for; empty for the
// one that the caller names. Callers name Claude's models, which others do not
// have. Where aliases say what each of them stands for, they decide.
std::string ModelForRules(
    const llmgateway::compatibility::LlmProviderSettings& settings);

void TranslateLlmProviders(
    const llmgateway::compatibility::LlmGatewaySettings& settings,
    Translation* translation);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COMPATIBILITY_LLM_GATEWAY_PROVIDERS_H_
