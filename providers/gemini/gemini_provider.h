// Google's Gemini API: contents, counting, vectors and models, with a key of
// its own header.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_GEMINI_GEMINI_PROVIDER_H_
#define PROVIDERS_GEMINI_GEMINI_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the provider. INVALID_ARGUMENT names what is wrong with the
// configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeGeminiProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::GeminiProvider& config);

extern const ProviderKind kGeminiKind;

}  // namespace gateway

#endif  // PROVIDERS_GEMINI_GEMINI_PROVIDER_H_
