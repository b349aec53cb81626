// OpenRouter: chat completions of everybody's models. It is told who asks, for
// its rankings; what it says of the price of a call and of the vendor that
// served it stays in the answer.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_OPENROUTER_OPENROUTER_PROVIDER_H_
#define PROVIDERS_OPENROUTER_OPENROUTER_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the provider. INVALID_ARGUMENT names what is wrong with the
// configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeOpenRouterProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::OpenRouterProvider& config);

extern const ProviderKind kOpenRouterKind;

}  // namespace gateway

#endif  // PROVIDERS_OPENROUTER_OPENROUTER_PROVIDER_H_
