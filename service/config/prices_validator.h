// Checks what the configuration says that models cost.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_PRICES_VALIDATOR_H_
#define SERVICE_CONFIG_PRICES_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.prices()`.
void CheckPrices(const ProviderKinds& kinds,
                 const llmgateway::config::v1::GatewayConfig& config,
                 const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_PRICES_VALIDATOR_H_
