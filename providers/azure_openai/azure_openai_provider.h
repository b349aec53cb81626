// OpenAI's models as Azure deploys them. With a dated version of the API the
// path names the deployment and the query the version; with `v1` the paths are
// OpenAI's own and the deployment is the model in the body. Either way, what
// callers name is a model, and the configuration says which deployment it is.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_AZURE_OPENAI_AZURE_OPENAI_PROVIDER_H_
#define PROVIDERS_AZURE_OPENAI_AZURE_OPENAI_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the provider. INVALID_ARGUMENT names what is wrong with the
// configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeAzureOpenAiProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::AzureOpenAiProvider& config);

extern const ProviderKind kAzureOpenAiKind;

}  // namespace gateway

#endif  // PROVIDERS_AZURE_OPENAI_AZURE_OPENAI_PROVIDER_H_
