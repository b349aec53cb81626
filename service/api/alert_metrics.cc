#include "service/api/alert_metrics.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace gateway {
namespace {

constexpr std::string_view kAlertNames[] = {"alert"};
constexpr std::string_view kToldNames[] = {"outcome"};

constexpr MetricDefinition kAlertFiring = {
    .name = "llmgw_alert_firing",
    .help =
        "For how many subjects an alert fires: 0 or 1, or of how many "
        "models.",
    .kind = MetricKind::kGauge,
    .label_names = kAlertNames};
constexpr MetricDefinition kAlertSilenced = {
    .name = "llmgw_alert_silenced",
    .help = "1 while an operator keeps an alert from telling anybody.",
    .kind = MetricKind::kGauge,
    .label_names = kAlertNames};
constexpr MetricDefinition kAlertNotifications = {
    .name = "llmgw_alert_notifications_total",
    .help = "What actions were told of alerts, and what was given up.",
    .kind = MetricKind::kCounter,
    .label_names = kToldNames};
constexpr MetricDefinition kAlertFailedAttempts = {
    .name = "llmgw_alert_failed_attempts_total",
    .help = "How often an action could not be told of an alert at once.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAlertsPending = {
    .name = "llmgw_alert_notifications_pending",
    .help = "What actions are to be told of alerts and have not taken yet.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kDisabledByAlerts = {
    .name = "llmgw_models_disabled_by_alerts_total",
    .help = "Times that an alert has disabled a model.",
    .kind = MetricKind::kCounter};

// How the subjects of one alert stand.
struct AlertStanding {
  int firing = 0;
  bool silenced = false;
};

}  // namespace

void AddAlertMetrics(const AlertBoard& board, const AlertWatch& watch,
                     Clock& clock, MetricRegistry& registry) {
  registry.AddCollector([&](MetricRegistry::Values& values) {
    std::map<std::string, AlertStanding> alerts;
    for (const AlertBoard::View& view : board.List(clock.WallTime())) {
      AlertStanding& alert = alerts[view.rule.name];
      alert.firing += view.firing ? 1 : 0;
      alert.silenced = view.silence_end.has_value();
    }
    for (const auto& [name, alert] : alerts) {
      values.Add(kAlertFiring, {name}, alert.firing);
      values.Add(kAlertSilenced, {name}, alert.silenced ? 1 : 0);
    }
    const AlertBoard::Counts counts = board.counts();
    values.Add(kAlertNotifications, {"told"}, static_cast<double>(counts.told));
    values.Add(kAlertNotifications, {"given_up"},
               static_cast<double>(counts.given_up));
    values.Add(kAlertNotifications, {"action_gone"},
               static_cast<double>(counts.action_gone));
    values.Add(kAlertFailedAttempts, {},
               static_cast<double>(counts.failed_attempts));
    values.Add(kAlertsPending, {}, static_cast<double>(board.Pending().size()));
    values.Add(kDisabledByAlerts, {},
               static_cast<double>(watch.disabled_models()));
  });
}

}  // namespace gateway
