// Checks what models are chosen by: policies and nodes.
//
// Thread-safe.

#ifndef SERVICE_CONFIG_SELECTION_VALIDATOR_H_
#define SERVICE_CONFIG_SELECTION_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// Adds what is wrong with `config.routing().selection()`, whose models are of
// `config.providers()`. What has no effect, or can serve no call, is a warning:
// a fallback that no policy defines, a node that no model can serve.
void CheckSelectionConfig(const llmgateway::config::v1::GatewayConfig& config,
                          const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_SELECTION_VALIDATOR_H_
