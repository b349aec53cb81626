#include "service/config/cost_variables.h"

#include <string>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::Budget;
using ::llmgateway::config::v1::GatewayConfig;

TEST(CostVariablesTest, EachIsABudgetOfItsOwn) {
  GatewayConfig config;
  EXPECT_EQ(*AddCostBudget("12.50", "limit", Budget::MODE_ENFORCE, &config),
            "budgets.rules[0].limit_usd");
  EXPECT_EQ(*AddCostBudget("10", "warning", Budget::MODE_WARN, &config),
            "budgets.rules[1].limit_usd");
  ASSERT_EQ(config.budgets().rules_size(), 2);
  EXPECT_EQ(config.budgets().rules(0).name(), "limit");
  EXPECT_EQ(config.budgets().rules(0).limit_usd(), "12.5");
  EXPECT_EQ(config.budgets().rules(1).mode(), Budget::MODE_WARN);
}

TEST(CostVariablesTest, TheCheapestIsChosenOrNoLonger) {
  using llmgateway::config::v1::SELECTION_STRATEGY_COST_OPTIMIZED;
  using llmgateway::config::v1::SELECTION_STRATEGY_PERFORMANCE_OPTIMIZED;
  GatewayConfig config;
  EXPECT_FALSE(SetCostOptimization(true, &config));
  EXPECT_FALSE(config.has_routing());
  auto& selection = *config.mutable_routing()->mutable_selection();
  EXPECT_TRUE(SetCostOptimization(true, &config));
  EXPECT_EQ(selection.default_strategy(), SELECTION_STRATEGY_COST_OPTIMIZED);
  EXPECT_TRUE(SetCostOptimization(false, &config));
  EXPECT_EQ(selection.default_strategy(),
            llmgateway::config::v1::SELECTION_STRATEGY_UNSPECIFIED);
  // Another choice is none of its own.
  selection.set_default_strategy(SELECTION_STRATEGY_PERFORMANCE_OPTIMIZED);
  EXPECT_TRUE(SetCostOptimization(false, &config));
  EXPECT_EQ(selection.default_strategy(),
            SELECTION_STRATEGY_PERFORMANCE_OPTIMIZED);
}

TEST(CostVariablesTest, NothingIsNoLimit) {
  GatewayConfig config;
  EXPECT_EQ(*AddCostBudget("0.00", "limit", Budget::MODE_ENFORCE, &config), "");
  EXPECT_FALSE(
      AddCostBudget("-1", "limit", Budget::MODE_ENFORCE, &config).ok());
  EXPECT_FALSE(config.has_budgets());
}

}  // namespace
}  // namespace gateway
