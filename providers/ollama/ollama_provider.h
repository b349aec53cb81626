// Ollama: its own chat, embeddings and list of models, mostly without a key.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_OLLAMA_OLLAMA_PROVIDER_H_
#define PROVIDERS_OLLAMA_OLLAMA_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the provider. INVALID_ARGUMENT names what is wrong with the
// configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeOllamaProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::OllamaProvider& config);

extern const ProviderKind kOllamaKind;

}  // namespace gateway

#endif  // PROVIDERS_OLLAMA_OLLAMA_PROVIDER_H_
