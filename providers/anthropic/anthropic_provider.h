// Anthropic: messages with an `x-api-key`, and its own count of tokens.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_ANTHROPIC_ANTHROPIC_PROVIDER_H_
#define PROVIDERS_ANTHROPIC_ANTHROPIC_PROVIDER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"

namespace gateway {

// `api_key` is null if none is configured or at hand. INVALID_ARGUMENT names
// what is wrong with the configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeAnthropicProvider(
    const std::string& name,
    const llmgateway::config::v1::AnthropicProvider& config,
    const Secret* api_key, size_t event_bytes_limit);

}  // namespace gateway

#endif  // PROVIDERS_ANTHROPIC_ANTHROPIC_PROVIDER_H_
