#include "service/pipeline/configured_models.h"

#include <string>
#include <string_view>

#include "llmgateway/type/v1/target.pb.h"
#include "service/config/configured_targets.h"

namespace gateway {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::ModelResilience;
using ::llmgateway::config::v1::ModelRule;
using ::llmgateway::config::v1::ProviderConfig;
using ::llmgateway::type::v1::Target;

ConfiguredModels ConfiguredModelsOf(const GatewayConfig& config,
                                    const ProviderRegistry& providers) {
  ConfiguredModels models;
  const auto add = [&](std::string_view provider, std::string_view model) {
    const ProviderRegistry::Entry* const entry = providers.Find(provider);
    if (entry == nullptr || model.empty()) return;
    models[entry->name].emplace(entry->UpstreamModel(model));
  };
  for (const ProviderRegistry::Entry& entry : providers.entries()) {
    models[entry.name];
    for (const std::string& model : entry.models) add(entry.name, model);
    for (const auto& [alias, model] : entry.model_aliases) {
      models[entry.name].insert(model);
    }
  }
  for (const ProviderConfig& provider : config.providers()) {
    if (providers.Find(provider.name()) == nullptr) continue;
    for (const ModelResilience& model : provider.resilience().models()) {
      models[provider.name()].insert(model.model());
    }
  }
  ForEachTarget(config, [&](const Target& target) {
    add(target.provider(), target.model());
  });
  for (const ModelRule& rule : config.routing().model_rules()) {
    const std::string& name = rule.has_alias() ? rule.alias() : rule.exact();
    ForEachTarget(rule, [&](const Target& target) {
      if (target.model().empty()) add(target.provider(), name);
    });
  }
  return models;
}

}  // namespace gateway
