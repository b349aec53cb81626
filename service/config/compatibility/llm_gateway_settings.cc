#include "service/config/compatibility/llm_gateway_settings.h"

#include <cstddef>
#include <string>
#include <utility>

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/compatibility/llm_gateway_providers.h"
#include "service/config/compatibility/llm_gateway_routing.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::llmgateway::compatibility::AuditSettings;
using ::llmgateway::compatibility::CostTrackingSettings;
using ::llmgateway::compatibility::LlmGatewaySettings;
using ::llmgateway::compatibility::SettingsFile;
using ::llmgateway::config::v1::ModelPriceConfig;

void TranslateCosts(const CostTrackingSettings& costs,
                    Translation* translation) {
  const std::string section = JoinPath(kLlmGatewaySection, "costTracking");
  if (costs.has_enabled() && !costs.enabled()) {
    translation->Warn(JoinPath(section, "enabled"),
                      "is not followed: what calls cost is always counted");
  }
  const std::string path = JoinPath(section, "pricingOverrides");
  translation->From(path, "prices.models");
  for (const auto& [model, price] :
       translation->InOrder(costs.pricing_overrides(), path)) {
    auto& models = *translation->config().mutable_prices()->mutable_models();
    const std::string written = EntryPath(path, model);
    const std::string field =
        ElementPath("prices.models", static_cast<size_t>(models.size()));
    ModelPriceConfig& config = *models.Add();
    config.set_model(model);
    config.set_input(price.input_per_million());
    config.set_output(price.output_per_million());
    config.set_cache_write(price.cache_write_per_million());
    config.set_cached_input(price.cache_read_per_million());
    const std::pair<const char*, const char*> origins[] = {
        {"inputPerMillion", "input"},
        {"outputPerMillion", "output"},
        {"cacheWritePerMillion", "cache_write"},
        {"cacheReadPerMillion", "cached_input"}};
    translation->From(written, field);
    for (const auto& [theirs, ours] : origins) {
      translation->From(JoinPath(written, theirs), JoinPath(field, ours));
    }
    if (price.input_per_million().empty()) {
      translation->Add(JoinPath(written, "inputPerMillion"), "is required");
    }
    if (price.output_per_million().empty()) {
      translation->Add(JoinPath(written, "outputPerMillion"), "is required");
    }
  }
}

void WarnOfAudit(const AuditSettings& audit, Translation* translation) {
  if (audit.has_enabled() && !audit.enabled()) return;
  translation->Warn(JoinPath(kLlmGatewaySection, "audit"),
                    "asks for an audit log, which this gateway does not keep "
                    "yet: nothing of a request or answer is stored");
}

}  // namespace

void TranslateLlmGatewaySettings(const SettingsFile& file,
                                 Translation* translation) {
  if (file.has_gateway_enabled()) {
    translation->config().mutable_routing()->mutable_rollout()->set_enabled(
        file.gateway_enabled());
    translation->From("gatewayEnabled", "routing.rollout.enabled");
  }
  if (file.proxy_enabled()) {
    translation->Warn("proxyEnabled",
                      "is not followed: there is no HTTP proxy here; give "
                      "clients the gateway's own address");
  }
  if (!file.has_llm_gateway()) {
    translation->Add(kLlmGatewaySection,
                     "is required; it has providers and routing");
    translation->From(kLlmGatewaySection, "providers");
    return;
  }
  const LlmGatewaySettings& settings = file.llm_gateway();
  TranslateLlmProviders(settings, translation);
  TranslateLlmRouting(settings, translation);
  TranslateCosts(settings.cost_tracking(), translation);
  if (settings.has_audit()) WarnOfAudit(settings.audit(), translation);
}

}  // namespace gateway
