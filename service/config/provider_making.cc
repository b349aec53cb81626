#include "service/config/provider_making.h"

#include "absl/strings/str_cat.h"
#include "service/config/yaml_writer.h"

namespace gateway {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::ProviderConfig;

std::optional<std::string> MakingOf(const GatewayConfig& config,
                                    std::string_view name) {
  for (const ProviderConfig& provider : config.providers()) {
    if (provider.name() != name) continue;
    ProviderConfig made = provider;
    // What is said of models and targets stands beside the provider.
    made.clear_models();
    made.clear_model_aliases();
    made.clear_model_capabilities();
    made.clear_discover_models();
    made.clear_resilience();
    return absl::StrCat(WriteYaml(made), WriteYaml(config.limits()));
  }
  return std::nullopt;
}

}  // namespace gateway
