// Anthropic: messages with an `x-api-key`, and its own count of tokens.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_ANTHROPIC_ANTHROPIC_PROVIDER_H_
#define PROVIDERS_ANTHROPIC_ANTHROPIC_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the provider. INVALID_ARGUMENT names what is wrong with the
// configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeAnthropicProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::AnthropicProvider& config);

extern const ProviderKind kAnthropicKind;

}  // namespace gateway

#endif  // PROVIDERS_ANTHROPIC_ANTHROPIC_PROVIDER_H_
