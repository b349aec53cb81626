// Checks what the configuration says of overload, and of the context management
// service.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_OVERLOAD_VALIDATOR_H_
#define SERVICE_CONFIG_OVERLOAD_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.overload()`, beside numbers out of their
// ranges. Warns where what may be kept in memory is more than half of what the
// process may have. REQUIRES: defaults have been applied.
void CheckOverload(const llmgateway::config::v1::GatewayConfig& config,
                   const FieldPlaces& places, ConfigProblems* problems);

// The same of `config.cms()`.
void CheckCms(const llmgateway::config::v1::GatewayConfig& config,
              const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_OVERLOAD_VALIDATOR_H_
