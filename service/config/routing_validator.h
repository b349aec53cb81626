// Checks where requests are to go: rules, their targets, fallbacks.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_ROUTING_VALIDATOR_H_
#define SERVICE_CONFIG_ROUTING_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.routing()`, whose targets are
// `config.providers()`.
void CheckRouting(const llmgateway::config::v1::GatewayConfig& config,
                  const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_ROUTING_VALIDATOR_H_
