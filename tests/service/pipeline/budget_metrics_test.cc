#include "service/pipeline/budget_metrics.h"

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_charges.h"
#include "service/budgets/budget_rules.h"
#include "service/limits/limit_subject.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

std::map<std::string, double> ReadBudgetMetrics(MetricRegistry& registry) {
  std::map<std::string, double> read;
  for (const MetricFamilyValue& family : registry.Read().families) {
    for (const MetricValue& metric : family.metrics) {
      std::string labels;
      for (const auto& [name, value] : metric.labels) {
        absl::StrAppend(&labels, labels.empty() ? "" : ",", value);
      }
      read[absl::StrCat(family.name, "{", labels, "}")] = metric.number;
    }
  }
  return read;
}

TEST(BudgetMetricsTest, EachBudgetTellsWhatWasSpentAndRefused) {
  CurrentRuntime current(MakeTestRuntime(
      "providers: [{name: mock, mock: {}}]\n"
      "budgets:\n"
      "  rules:\n"
      "  - {name: tokens, unit: total_tokens, limit: 1000}\n"
      "  - {name: money, unit: cost, limit_usd: '0.5', mode: warn}\n"
      "  - {name: calls, unit: total_tokens, turn_limit: 8, mode: warn}\n"));
  FakeClock clock;
  MetricRegistry registry(clock);
  AddBudgetMetrics(current, registry);
  const std::shared_ptr<const RuntimeSnapshot> runtime = current.Get();
  const absl::Time now = runtime->clock().WallTime();
  const auto call = [&](BudgetCharges& charges, int64_t tokens) {
    LimitSubject subject = runtime->limits().NewSubject();
    for (const auto& rule : runtime->budgets()->rules()) {
      charges.Ask(
          *rule, subject, rule->terms(),
          {.input_tokens = tokens, .cost_usd_nanos = 250'000'000, .turns = 1},
          true);
    }
    return charges.Reserve(now);
  };
  BudgetCharges ended(runtime->budget_table());
  ASSERT_TRUE(call(ended, 600));
  ended.Settle({.input_tokens = 500, .cost_usd_nanos = 500'000'000, .turns = 1},
               now, nullptr);
  BudgetCharges runs(runtime->budget_table());
  ASSERT_TRUE(call(runs, 250));
  BudgetCharges refused(runtime->budget_table());
  ASSERT_FALSE(call(refused, 251));

  std::map<std::string, double> read = ReadBudgetMetrics(registry);
  EXPECT_EQ(read["llmgw_budget_refusals_total{tokens,enforce}"], 1);
  EXPECT_EQ(read["llmgw_budget_refusals_total{money,warn}"], 1);
  EXPECT_EQ(read["llmgw_budget_scopes{tokens}"], 1);
  EXPECT_EQ(read["llmgw_budget_filled_ratio{tokens,enforce}"], 0.75);
  EXPECT_EQ(read["llmgw_budget_filled_ratio{money,warn}"], 1.5);
  EXPECT_EQ(read["llmgw_budget_filled_ratio{calls,warn}"], 0.25);
  EXPECT_EQ(read["llmgw_budget_spent_usd{money}"], 0.5);
  EXPECT_EQ(read["llmgw_budget_spent_tokens{tokens}"], 500);
  EXPECT_EQ(read["llmgw_budget_reserved_tokens{tokens}"], 250);
  EXPECT_EQ(read["llmgw_budget_scope_overflows_total{}"], 0);
}

TEST(BudgetMetricsTest, WithoutBudgetsThereAreNone) {
  CurrentRuntime current(
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"));
  FakeClock clock;
  MetricRegistry registry(clock);
  AddBudgetMetrics(current, registry);
  EXPECT_TRUE(ReadBudgetMetrics(registry).empty());
}

}  // namespace
}  // namespace gateway
