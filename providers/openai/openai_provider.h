// OpenAI: chat completions with a bearer key. Requests in the words of its
// Responses are forwarded as such.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_OPENAI_OPENAI_PROVIDER_H_
#define PROVIDERS_OPENAI_OPENAI_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the provider. INVALID_ARGUMENT names what is wrong with the
// configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeOpenAiProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::OpenAiProvider& config);

extern const ProviderKind kOpenAiKind;

}  // namespace gateway

#endif  // PROVIDERS_OPENAI_OPENAI_PROVIDER_H_
