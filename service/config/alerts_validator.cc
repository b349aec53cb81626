#include "service/config/alerts_validator.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/alerts/alert_condition.h"
#include "service/alerts/webhook.h"
#include "service/config/config_names.h"
#include "service/config/header_rules.h"
#include "service/config/nearest_name.h"
#include "service/config/secret_reference.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::AlertAction;
using ::llmgateway::config::v1::AlertRule;
using ::llmgateway::config::v1::AlertsConfig;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::WebhookAction;

constexpr size_t kAlertRulesMax = 256;
constexpr size_t kAlertActionsMax = 64;
constexpr size_t kWebhookHeadersMax = 16;
constexpr char kSignatureHeader[] = "x-llmgateway-signature";

// Whether the text names a secret, or tries to.
bool IsLikeReference(std::string_view text) {
  return text.starts_with("env:") || text.starts_with("file:");
}

class AlertsCheck {
 public:
  AlertsCheck(const ProviderKinds& kinds, const AlertsConfig& alerts,
              const FieldPlaces& places, ConfigProblems& problems)
      : kinds_(kinds), alerts_(alerts), places_(places), problems_(problems) {}

  void CheckActions();
  void CheckRules();

 private:
  void Add(const std::string& path, std::string_view message) {
    problems_.Add(places_.Find(path), path, message);
  }
  void AddIfBad(const std::string& path, const absl::Status& status) {
    if (!status.ok()) Add(path, ToStd(status.message()));
  }
  // Names must be right, and each another.
  void CheckName(const std::string& path, const std::string& name,
                 std::set<std::string>* taken);
  void CheckWebhook(const std::string& path, const WebhookAction& webhook);
  void CheckHeader(const std::string& path, const std::string& name,
                   const std::string& value);
  void CheckRule(const std::string& path, const AlertRule& rule);
  const AlertAction* FindAction(const std::string& name) const;

  const ProviderKinds& kinds_;
  const AlertsConfig& alerts_;
  const FieldPlaces& places_;
  ConfigProblems& problems_;
};

void AlertsCheck::CheckName(const std::string& path, const std::string& name,
                            std::set<std::string>* taken) {
  if (!IsConfigName(name, "-_.", /*upper_case=*/true)) {
    Add(path, "must be 1 to 64 of letters, digits and '-_.'");
  } else if (!taken->insert(name).second) {
    Add(path, absl::StrCat("is '", name,
                           "', as another before it; give each its own"));
  }
}

void AlertsCheck::CheckActions() {
  const std::string list = "alerts.actions";
  if (!CheckCount(list, static_cast<size_t>(alerts_.actions_size()),
                  kAlertActionsMax, places_, &problems_)) {
    return;
  }
  std::set<std::string> taken;
  for (int i = 0; i < alerts_.actions_size(); ++i) {
    const AlertAction& action = alerts_.actions(i);
    const std::string path = ElementPath(list, static_cast<size_t>(i));
    CheckName(JoinPath(path, "name"), action.name(), &taken);
    if (action.kind_case() == AlertAction::KIND_NOT_SET) {
      Add(path,
          "must say what it does: webhook, log or disable_model, as in {name: "
          "page_oncall, log: {}}");
    } else if (action.has_webhook()) {
      CheckWebhook(JoinPath(path, "webhook"), action.webhook());
    }
  }
}

void AlertsCheck::CheckWebhook(const std::string& path,
                               const WebhookAction& webhook) {
  const std::string url = JoinPath(path, "url");
  if (webhook.url().empty()) {
    Add(url, "is required, such as https://hooks.example/gateway");
  } else if (IsLikeReference(webhook.url())) {
    AddIfBad(url, SecretReference::Parse(webhook.url()).status());
  } else {
    AddIfBad(url, CheckWebhookUrl(webhook.url()));
  }
  if (!webhook.signing_key().empty()) {
    AddIfBad(JoinPath(path, "signing_key"),
             SecretReference::Parse(webhook.signing_key()).status());
  }
  const std::string headers = JoinPath(path, "headers");
  if (!CheckCount(headers, webhook.headers().size(), kWebhookHeadersMax,
                  places_, &problems_)) {
    return;
  }
  std::set<std::string> taken;
  for (const auto& [name, value] : webhook.headers()) {
    const std::string header = EntryPath(headers, name);
    CheckHeader(header, name, value);
    if (!taken.insert(absl::AsciiStrToLower(name)).second) {
      Add(header, "is there twice, in other letters");
    }
  }
}

void AlertsCheck::CheckHeader(const std::string& path, const std::string& name,
                              const std::string& value) {
  const std::string lower = absl::AsciiStrToLower(name);
  // Receivers may ask for their credential in a header that a provider does.
  const bool is_credential =
      lower == "authorization" || lower == "x-api-key" || lower == "api-key";
  if (lower == kSignatureHeader) {
    Add(path, "is written by the gateway itself; give signing_key");
    return;
  }
  const bool is_reference = IsLikeReference(value);
  if (is_reference) AddIfBad(path, SecretReference::Parse(value).status());
  const std::string_view literal =
      is_reference ? std::string_view() : std::string_view(value);
  AddIfBad(path, is_credential ? CheckHeaderValue(literal)
                               : CheckExtraHeader(kinds_, name, literal));
}

const AlertAction* AlertsCheck::FindAction(const std::string& name) const {
  const auto found = std::find_if(
      alerts_.actions().begin(), alerts_.actions().end(),
      [&name](const AlertAction& action) { return action.name() == name; });
  return found == alerts_.actions().end() ? nullptr : &*found;
}

void AlertsCheck::CheckRule(const std::string& path, const AlertRule& rule) {
  const absl::StatusOr<AlertCondition> condition =
      ParseAlertCondition(rule.condition());
  AddIfBad(JoinPath(path, "condition"), condition.status());
  if (condition.ok() &&
      condition->measure == AlertCondition::Measure::kConsecutiveFailures &&
      (condition->order == AlertCondition::Order::kBelow ||
       condition->order == AlertCondition::Order::kAtMost)) {
    Add(JoinPath(path, "condition"),
        "would be true of every model that is well; give > or >=");
  }
  const std::string action_path = JoinPath(path, "action");
  const AlertAction* const action = FindAction(rule.action());
  if (action == nullptr && rule.action().empty()) {
    Add(action_path, "is required: the name of one of alerts.actions");
  } else if (action == nullptr) {
    std::vector<std::string> names;
    for (const AlertAction& each : alerts_.actions()) {
      names.push_back(each.name());
    }
    const std::string nearest = NearestName(rule.action(), names);
    Add(action_path,
        absl::StrCat(
            "is '", rule.action(), "', which alerts.actions does not have; ",
            nearest.empty() ? absl::StrCat("add it there, as in {name: ",
                                           rule.action(), ", log: {}}")
                            : absl::StrCat("did you mean '", nearest, "'?")));
  } else if (action->has_disable_model() && condition.ok() &&
             condition->measure !=
                 AlertCondition::Measure::kConsecutiveFailures) {
    Add(action_path,
        "disables the model that fails, which only "
        "model_consecutive_failures knows; choose another action");
  }
}

void AlertsCheck::CheckRules() {
  const std::string list = "alerts.rules";
  if (!CheckCount(list, static_cast<size_t>(alerts_.rules_size()),
                  kAlertRulesMax, places_, &problems_)) {
    return;
  }
  std::set<std::string> taken;
  for (int i = 0; i < alerts_.rules_size(); ++i) {
    const std::string path = ElementPath(list, static_cast<size_t>(i));
    CheckName(JoinPath(path, "name"), alerts_.rules(i).name(), &taken);
    CheckRule(path, alerts_.rules(i));
  }
}

}  // namespace

void CheckAlerts(const ProviderKinds& kinds, const GatewayConfig& config,
                 const FieldPlaces& places, ConfigProblems* problems) {
  if (!config.has_alerts()) return;
  AlertsCheck check(kinds, config.alerts(), places, *problems);
  check.CheckActions();
  check.CheckRules();
}

}  // namespace gateway
