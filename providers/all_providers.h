// The one table from a configured kind of provider to the code that makes it.
// A new provider is one folder, one arm in provider.proto, and one line here.
//
// Thread contract: plain function, called at start-up and reload.

#ifndef PROVIDERS_ALL_PROVIDERS_H_
#define PROVIDERS_ALL_PROVIDERS_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"

namespace gateway {

// `credential` is null if none is configured or at hand. INVALID_ARGUMENT
// names the provider and what is wrong with its configuration. REQUIRES:
// defaults have been applied to `config`.
absl::StatusOr<std::unique_ptr<Provider>> MakeProvider(
    const llmgateway::config::v1::ProviderConfig& config,
    const Secret* credential, size_t event_bytes_limit);

// What kind of provider is configured: `openai`, `anthropic`, `mock`.
std::string_view ProviderKindName(
    const llmgateway::config::v1::ProviderConfig& config);

}  // namespace gateway

#endif  // PROVIDERS_ALL_PROVIDERS_H_
