// DeepSeek: chat completions that show their reasoning and count what their
// cache had. It is spoken to in the words that its documentation has; what it
// would ignore in silence is a warning here.
//
// Thread contract: as Provider.

#ifndef PROVIDERS_DEEPSEEK_DEEPSEEK_PROVIDER_H_
#define PROVIDERS_DEEPSEEK_DEEPSEEK_PROVIDER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_kind.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the provider. INVALID_ARGUMENT names what is wrong with the
// configuration.
absl::StatusOr<std::unique_ptr<Provider>> MakeDeepSeekProvider(
    const ProviderSetup& setup,
    const llmgateway::config::v1::DeepSeekProvider& config);

extern const ProviderKind kDeepSeekKind;

}  // namespace gateway

#endif  // PROVIDERS_DEEPSEEK_DEEPSEEK_PROVIDER_H_
