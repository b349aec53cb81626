// Checks `tools`: where the service is, and that each tool can be declared and
// run.
//
//   CheckTools(config, places, &problems);
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_TOOLS_VALIDATOR_H_
#define SERVICE_CONFIG_TOOLS_VALIDATOR_H_

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {

// REQUIRES: defaults have been applied.
void CheckTools(const llmgateway::config::v1::GatewayConfig& config,
                const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_TOOLS_VALIDATOR_H_
