#include "service/pipeline/configured_alerts.h"

#include <utility>

#include "proto/proto_time.h"
#include "service/alerts/alert_condition.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

AlertAction ActionOf(const configv1::AlertAction& config,
                     const ConfigSnapshot::AlertWebhooks& webhooks) {
  AlertAction action;
  if (config.has_disable_model()) {
    action.kind = AlertAction::Kind::kDisableModel;
  }
  const auto webhook = webhooks.find(config.name());
  if (!config.has_webhook() || webhook == webhooks.end()) return action;
  action.kind = AlertAction::Kind::kWebhook;
  action.url = webhook->second.url;
  action.signing_key = webhook->second.signing_key;
  for (const auto& header : webhook->second.headers) {
    action.headers.emplace_back(header.name, header.value);
  }
  action.timeout = ToAbsl(config.webhook().timeout());
  return action;
}

}  // namespace

std::vector<AlertRule> AlertRulesOf(const ConfigSnapshot& config) {
  std::vector<AlertRule> rules;
  for (const configv1::AlertRule& rule : config.config().alerts().rules()) {
    // Validation has passed it.
    rules.push_back({.name = rule.name(),
                     .text = rule.condition(),
                     .condition = *ParseAlertCondition(rule.condition()),
                     .action = rule.action(),
                     .window = ToAbsl(rule.window()),
                     .calls_min = rule.calls_min()});
  }
  return rules;
}

AlertActions AlertActionsOf(const ConfigSnapshot& config) {
  AlertActions actions;
  for (const configv1::AlertAction& each : config.config().alerts().actions()) {
    actions.insert_or_assign(each.name(),
                             ActionOf(each, config.alert_webhooks()));
  }
  return actions;
}

}  // namespace gateway
