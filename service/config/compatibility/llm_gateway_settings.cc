#include "service/config/compatibility/llm_gateway_settings.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "llmgateway/config/v1/config.pb.h"
#include "service/config/compatibility/llm_gateway_providers.h"
#include "service/config/compatibility/llm_gateway_routing.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"

namespace gateway {
namespace {

using ::llmgateway::compatibility::AuditSettings;
using ::llmgateway::compatibility::CostTrackingSettings;
using ::llmgateway::compatibility::LlmGatewaySettings;
using ::llmgateway::compatibility::SettingsFile;
using ::llmgateway::config::v1::AuditConfig;
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

// Where the file is if nothing says so.
constexpr char kAuditFile[] = "~/.cco/audit.db";

void TranslateAudit(const AuditSettings& settings, Translation* translation) {
  if (settings.has_enabled() && !settings.enabled()) return;
  const std::string section = JoinPath(kLlmGatewaySection, "audit");
  translation->From(section, "audit");
  AuditConfig& audit = *translation->config().mutable_audit();
  const std::string path = JoinPath(section, "dbPath");
  if (!settings.db_path().empty()) translation->From(path, "audit.file");
  audit.set_file(settings.db_path().empty() ? kAuditFile : settings.db_path());
  if (settings.has_retention_days()) {
    const std::string days = JoinPath(section, "retentionDays");
    translation->From(days, "audit.retention_days");
    constexpr int64_t kMost = 36500;
    if (translation->CheckRange(days, settings.retention_days(), 1, kMost)) {
      audit.set_retention_days(static_cast<int32_t>(settings.retention_days()));
    }
  }
  // Both are on unless they are turned off.
  const bool request =
      !settings.has_log_request_bodies() || settings.log_request_bodies();
  const bool response =
      !settings.has_log_response_bodies() || settings.log_response_bodies();
  if (!request && !response) return;
  auto& rule = *audit.add_bodies();
  rule.set_request(request);
  rule.set_response(response);
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
  // It names no ports, and its clients look into the PID file for them: each
  // user of a machine has such a gateway.
  UseFreePorts(&translation->config());
  // Its clients read there who has answered, how fast and for how much.
  translation->config()
      .mutable_listeners()
      ->mutable_http()
      ->set_messages_details(true);
  translation->From(kLlmGatewaySection, "listeners.http.messages_details");
  TranslateLlmProviders(settings, translation);
  TranslateLlmRouting(settings, translation);
  TranslateCosts(settings.cost_tracking(), translation);
  if (settings.has_audit()) TranslateAudit(settings.audit(), translation);
}

}  // namespace gateway
