// The one table from a configured kind of provider to the code that makes it.
// A new provider is one folder, one arm in provider.proto, and one line here;
// its defaults, ranges and checks are in service/config (defaults.cc,
// field_ranges.cc, provider_validator.cc).
//
// Thread contract: plain function, called at start-up and reload.

#ifndef PROVIDERS_REGISTRY_ALL_PROVIDERS_H_
#define PROVIDERS_REGISTRY_ALL_PROVIDERS_H_

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"

namespace gateway {

// Makes the configured provider. INVALID_ARGUMENT names the provider and what
// is wrong with its configuration. REQUIRES: defaults have been applied to
// `config`.
absl::StatusOr<std::unique_ptr<Provider>> MakeProvider(
    const llmgateway::config::v1::ProviderConfig& config,
    const ProviderSetup& setup);

// Returns the kind of provider as the configuration has it: `openai`,
// `anthropic`, `mock`, ...; empty if none is set.
std::string_view ProviderKindName(
    const llmgateway::config::v1::ProviderConfig& config);

}  // namespace gateway

#endif  // PROVIDERS_REGISTRY_ALL_PROVIDERS_H_
