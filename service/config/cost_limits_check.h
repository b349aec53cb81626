// Warns of limits of dollars that some calls go past: those to models whose
// price nobody knows cost nothing, so that such a limit never refuses them.
//
//   CheckCostLimits(kinds, config, places, &problems);
//   // warning: rate_limits[0]: counts nothing for calls to house/llama, ...
//
// What models there are is known as far as the configuration names them: in its
// targets, rules and providers. What else a caller may name is not.
//
// Thread-safe: a plain function.

#ifndef SERVICE_CONFIG_COST_LIMITS_CHECK_H_
#define SERVICE_CONFIG_COST_LIMITS_CHECK_H_

#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider_kind.h"
#include "service/config/config_problem.h"

namespace gateway {

// REQUIRES: the defaults are filled in. Adds warnings only.
void CheckCostLimits(const ProviderKinds& kinds,
                     const llmgateway::config::v1::GatewayConfig& config,
                     const FieldPlaces& places, ConfigProblems* problems);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COST_LIMITS_CHECK_H_
