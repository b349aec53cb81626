// Any service that speaks OpenAI's chat completions, described by data: an
// address, the header of its key, and its quirks. The services that are known
// by name are a table; another one is a row there, or configuration alone.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_OPENAI_COMPATIBLE_OPENAI_COMPATIBLE_PROVIDER_H_
#define PROVIDERS_OPENAI_COMPATIBLE_OPENAI_COMPATIBLE_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the provider. INVALID_ARGUMENT names what is wrong with the
// configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeOpenAiCompatibleProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::OpenAiCompatibleProvider& config);

extern const ProviderKind kOpenAiCompatibleKind;

}  // namespace gateway

#endif  // PROVIDERS_OPENAI_COMPATIBLE_OPENAI_COMPATIBLE_PROVIDER_H_
