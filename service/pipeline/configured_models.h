// Finds all models that a configuration names, wherever it does: targets and
// fallbacks of rules, policies, what is the default, and what is said of a
// provider's models. They have breakers of their own, whatever callers name.
//
//   targets.SetConfigured(std::make_shared<const ConfiguredModels>(
//       ConfiguredModelsOf(config, providers)));
//
// Thread contract: a plain function.

#ifndef SERVICE_PIPELINE_CONFIGURED_MODELS_H_
#define SERVICE_PIPELINE_CONFIGURED_MODELS_H_

#include "llmgateway/config/v1/config.pb.h"
#include "providers/registry/registry.h"
#include "service/resilience/target_board.h"

namespace gateway {

// Returns them for each provider, by the provider's own names. A target without
// a model, which stands for whatever a caller names, names none, unless its
// rule is for one name.
ConfiguredModels ConfiguredModelsOf(
    const llmgateway::config::v1::GatewayConfig& config,
    const ProviderRegistry& providers);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CONFIGURED_MODELS_H_
