// Checks one provider of the configuration: its models, its credentials, where
// it is and what its kind asks for.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_PROVIDER_VALIDATOR_H_
#define SERVICE_CONFIG_PROVIDER_VALIDATOR_H_

#include <string>

#include "llmgateway/config/v1/provider.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Checks one provider, field by field, and adds what is wrong. `path` is the
// provider's own, such as `providers[0]`. Its name is not checked here, since
// it must be unique among all. REQUIRES: defaults have been applied.
void CheckProvider(const llmgateway::config::v1::ProviderConfig& provider,
                   const std::string& path, const FieldPlaces& places,
                   ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_PROVIDER_VALIDATOR_H_
