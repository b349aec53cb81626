// Checks who may use the gateway: keys, and which listeners may serve people
// who show none.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_AUTH_VALIDATOR_H_
#define SERVICE_CONFIG_AUTH_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.auth()`, and with listeners that would serve
// whoever reaches it. REQUIRES: defaults have been applied.
void CheckAuth(const llmgateway::config::v1::GatewayConfig& config,
               const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_AUTH_VALIDATOR_H_
