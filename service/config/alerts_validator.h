// Checks `alerts`: what is watched, what is done about it, and whether the one
// knows the other.
//
//   CheckAlerts(kinds, config, places, &problems);
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_ALERTS_VALIDATOR_H_
#define SERVICE_CONFIG_ALERTS_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

// REQUIRES: defaults have been applied.
void CheckAlerts(const ProviderKinds& kinds,
                 const llmgateway::config::v1::GatewayConfig& config,
                 const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_ALERTS_VALIDATOR_H_
