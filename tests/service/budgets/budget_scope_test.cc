#include "service/budgets/budget_scope.h"

#include <string>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

TEST(BudgetScopeTest, IsCalledAsTheLedgerCallsIt) {
  const BudgetScope agent = {
      .budget = "agent",
      .subject = {{config::LIMIT_DIMENSION_AGENT, "agent-1"},
                  {config::LIMIT_DIMENSION_SESSION, "SES-1"},
                  {config::LIMIT_DIMENSION_WORK_ORDER, "WO-1"}}};
  EXPECT_EQ(agent.Text(), "SES-1/WO-1/agent-1");
  BudgetScope without_order = agent;
  without_order.subject[2].second.clear();
  EXPECT_EQ(without_order.Text(), "SES-1/agent-1");
  const BudgetScope daily = {
      .budget = "daily", .subject = {{config::LIMIT_DIMENSION_USER, "ann"}}};
  EXPECT_EQ(daily.Text(), "daily/user=ann");
  EXPECT_EQ(BudgetScope{.budget = "all"}.Text(), "all");
  BudgetScope others = daily;
  others.others = true;
  EXPECT_EQ(others.Text(), "daily/others");
}

TEST(BudgetScopeTest, EachHasAKeyOfItsOwn) {
  const BudgetScope ann = {.budget = "daily",
                           .subject = {{config::LIMIT_DIMENSION_USER, "ann"}}};
  BudgetScope bob = ann;
  bob.subject[0].second = "bob";
  BudgetScope others = ann;
  others.others = true;
  BudgetScope hourly = ann;
  hourly.window = "hour";
  BudgetScope of_project = ann;
  of_project.subject[0].first = config::LIMIT_DIMENSION_PROJECT;
  const CounterKey key = ann.KeyBy(kTestSecret);
  for (const BudgetScope& other : {bob, others, hourly, of_project}) {
    EXPECT_FALSE(other.KeyBy(kTestSecret) == key) << other.Text();
  }
  EXPECT_TRUE(BudgetScope(ann).KeyBy(kTestSecret) == key);
}

TEST(BudgetScopeTest, LongTextsAreKeptByTheirHash) {
  const std::string kept(256, 'a');
  EXPECT_EQ(BudgetScopeValue(kept), kept);
  const std::string cut = BudgetScopeValue(kept + "b");
  EXPECT_LE(cut.size(), BudgetScope::kValueBytesMax);
  EXPECT_NE(cut, BudgetScopeValue(kept + "c"));
  EXPECT_NE(BudgetScopeValue("\xff"), BudgetScopeValue("\xfe"));
}

TEST(BudgetScopeTest, DimensionsAreFoundByTheirNames) {
  EXPECT_EQ(LimitDimensionNamed("work_order"),
            config::LIMIT_DIMENSION_WORK_ORDER);
  for (int i = 1; i <= config::LimitDimension_MAX; ++i) {
    const auto dimension = static_cast<LimitDimension>(i);
    EXPECT_EQ(LimitDimensionNamed(LimitDimensionName(dimension)), dimension);
  }
  EXPECT_EQ(LimitDimensionNamed("nobody"), config::LIMIT_DIMENSION_UNSPECIFIED);
}

}  // namespace
}  // namespace gateway
