// Checks what the schema cannot say: names that refer to each other, ranges,
// addresses, URLs, headers, patterns. Finds every mistake at once.
//
//   ApplyDefaults(kinds, &loaded.config);
//   ValidateConfig(kinds, loaded.config, loaded.places, &problems);
//
// It looks at nothing but the configuration: no file is opened, no variable
// read, no name resolved.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_VALIDATOR_H_
#define SERVICE_CONFIG_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds all problems. REQUIRES: defaults have been applied.
void ValidateConfig(const ProviderKinds& kinds,
                    const llmgateway::config::v1::GatewayConfig& config,
                    const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_VALIDATOR_H_
