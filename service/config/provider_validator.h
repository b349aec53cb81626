// Checks one provider of the configuration: its models, its credentials, where
// it is, and what its ProviderKind says of its settings.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_PROVIDER_VALIDATOR_H_
#define SERVICE_CONFIG_PROVIDER_VALIDATOR_H_

#include <string>

#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

// Checks one provider, field by field, and adds what is wrong. `path` is the
// provider's own, such as `providers[0]`. Its name is not checked here, since
// it must be unique among all. REQUIRES: defaults have been applied.
void CheckProvider(const ProviderKinds& kinds,
                   const llmgateway::config::v1::ProviderConfig& provider,
                   const std::string& path, const FieldPlaces& places,
                   ConfigProblems* problems);

// Returns a provider that needs nothing, as a file has it:
// `{name: mock, mock: {}}`.
// REQUIRES: there is a kind.
std::string ProviderExample(const ProviderKinds& kinds);

}  // namespace gateway

#endif  // SERVICE_CONFIG_PROVIDER_VALIDATOR_H_
