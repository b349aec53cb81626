#include "service/api/alert_metrics.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

AlertRule CostAbove(const std::string& name, int dollars) {
  const std::string text = absl::StrCat("hourly_cost > $", dollars);
  return {.name = name, .text = text, .condition = *ParseAlertCondition(text)};
}

TEST(AlertMetricsTest, TheyAreThoseOfTheAlertsThatAreConfigured) {
  FakeClock clock;
  AlertBoard board(clock.WallTime());
  AlertCounts counts;
  CurrentRuntime current(MakeTestRuntime("providers: [{name: a, mock: {}}]"));
  StateStore state;
  BlockingWorker worker({.name = "test"});
  AlertWatch watch({.current = current,
                    .board = board,
                    .counts = counts,
                    .state = state,
                    .worker = worker});
  MetricRegistry registry(clock);
  AddAlertMetrics(board, watch, clock, registry);
  board.SetRules({CostAbove("a", 5), CostAbove("b", 6), CostAbove("c", 7)},
                 clock.WallTime());
  board.Silence("b", clock.WallTime(), clock.WallTime() + absl::Hours(1));
  board.Look(
      {.now = clock.WallTime(), .totals = {.cost_usd_nanos = 7'000'000'000}});
  board.Failed(board.Pending().at(0).id, absl::UnavailableError("down"));
  board.Told(board.Pending().at(0).id, absl::UnavailableError("down"));
  std::map<std::string, double> metrics;
  for (const MetricFamilyValue& family : registry.Read().families) {
    for (const MetricValue& value : family.metrics) {
      std::string name = family.name;
      for (const auto& [label, text] : value.labels) {
        absl::StrAppend(&name, " ", text);
      }
      metrics[name] = value.number;
    }
  }
  EXPECT_THAT(metrics,
              ElementsAre(Pair("llmgw_alert_failed_attempts_total", 1),
                          Pair("llmgw_alert_firing a", 1),
                          Pair("llmgw_alert_firing b", 1),
                          Pair("llmgw_alert_firing c", 0),
                          Pair("llmgw_alert_notifications_pending", 0),
                          Pair("llmgw_alert_notifications_total action_gone",
                               0),
                          Pair("llmgw_alert_notifications_total given_up", 1),
                          Pair("llmgw_alert_notifications_total told", 0),
                          Pair("llmgw_alert_silenced a", 0),
                          Pair("llmgw_alert_silenced b", 1),
                          Pair("llmgw_alert_silenced c", 0),
                          Pair("llmgw_models_disabled_by_alerts_total", 0)));
}

}  // namespace
}  // namespace gateway
