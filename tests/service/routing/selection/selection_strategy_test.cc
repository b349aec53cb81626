#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/routing/selection/model_selection.h"

namespace gateway {
namespace {

TEST(StrategyTest, NamesAreThoseThatCallersWrite) {
  for (const SelectionStrategy strategy : kSelectionStrategies) {
    EXPECT_EQ(*ParseStrategy(StrategyName(strategy)), strategy);
  }
  EXPECT_EQ(StrategyName(SelectionStrategy::kPerformanceOptimized),
            "performance_optimized");
  EXPECT_EQ(ParseStrategy("fastest").status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseStrategy("fastest").status().message(),
            "'fastest' is no selection strategy; there are cost_optimized, "
            "performance_optimized, balanced, capability_strict, "
            "admin_preferred");
  EXPECT_FALSE(ParseStrategy("").ok());
}

TEST(StrategyTest, NumbersAreThoseOfTheContract) {
  using Wire = ::llmgateway::v1::Selection;
  EXPECT_EQ(static_cast<int>(SelectionStrategy::kCostOptimized),
            Wire::STRATEGY_COST_OPTIMIZED);
  EXPECT_EQ(static_cast<int>(SelectionStrategy::kPerformanceOptimized),
            Wire::STRATEGY_PERFORMANCE_OPTIMIZED);
  EXPECT_EQ(static_cast<int>(SelectionStrategy::kBalanced),
            Wire::STRATEGY_BALANCED);
  EXPECT_EQ(static_cast<int>(SelectionStrategy::kCapabilityStrict),
            Wire::STRATEGY_CAPABILITY_STRICT);
  EXPECT_EQ(static_cast<int>(SelectionStrategy::kAdminPreferred),
            Wire::STRATEGY_ADMIN_PREFERRED);
}

}  // namespace
}  // namespace gateway
