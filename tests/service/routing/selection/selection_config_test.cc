#include "service/routing/selection/selection_config.h"

#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/selection.pb.h"
#include "service/routing/selection/model_policy.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

TEST(SelectionConfigTest, PricesAreKeptExactly) {
  EXPECT_EQ(ParseCostPer1k("0.00015"), 150'000'000);
  EXPECT_EQ(ParseCostPer1k("0.0006"), 600'000'000);
  EXPECT_EQ(ParseCostPer1k("0"), 0);
  EXPECT_EQ(ParseCostPer1k("1"), 1'000'000'000'000);
  EXPECT_EQ(ParseCostPer1k("0.000000000001"), 1);
  EXPECT_EQ(ParseCostPer1k("1000"), kPriceUsdNanosMax);
  EXPECT_EQ(ParseCostPer1k("1000.0"), kPriceUsdNanosMax);
}

TEST(SelectionConfigTest, WhatIsNoPriceIsNone) {
  for (const char* text :
       {"", ".", ".5", "5.", "-1", "+1", "1e-3", "0,1", "1.2.3",
        "0.0000000000001", "1000.1", "1001", "9999999999", "dear"}) {
    EXPECT_EQ(ParseCostPer1k(text), std::nullopt) << text;
  }
}

TEST(SelectionConfigTest, PoliciesAndNodesAreAsConfigured) {
  llmgateway::config::v1::SelectionConfig config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(policies {
             id: "sonnet"
             target { provider: "openrouter" model: "anthropic/sonnet" }
             capabilities: [ "tools", "reasoning", "unheard" ]
             cost_tier: COST_TIER_HIGH
             context_window_tokens: 200000
             input_cost_per_1k: "0.003"
             output_cost_per_1k: "0.015"
             fallback_models: [ "other" ]
             admin_overridable: true
           }
           nodes {
             name: "evaluator"
             required_capabilities: "reasoning"
             preferred_capabilities: "function_calling"
             context_window_tokens_min: 8000
             cost_tier_max: COST_TIER_PREMIUM
             reasoning_required: true
           }
           default_strategy: SELECTION_STRATEGY_COST_OPTIMIZED)pb",
      &config));
  const std::vector<ModelPolicy> policies = PoliciesOf(config);
  ASSERT_EQ(policies.size(), 1u);
  EXPECT_EQ(policies[0].id, "sonnet");
  EXPECT_EQ(policies[0].provider, "openrouter");
  EXPECT_EQ(policies[0].model, "anthropic/sonnet");
  EXPECT_EQ(policies[0].capabilities,
            kCapabilityFunctionCalling | kCapabilityReasoning);
  EXPECT_EQ(policies[0].cost_tier, CostTier::kHigh);
  EXPECT_EQ(policies[0].context_window_tokens, 200000);
  EXPECT_EQ(policies[0].price.input_usd_nanos_per_million, 3'000'000'000);
  EXPECT_EQ(policies[0].price.output_usd_nanos_per_million, 15'000'000'000);
  EXPECT_THAT(policies[0].fallback_models, ElementsAre("other"));
  EXPECT_TRUE(policies[0].admin_overridable);
  const std::vector<NodeRequirement> nodes = NodesOf(config);
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].name, "evaluator");
  EXPECT_EQ(nodes[0].required, kCapabilityReasoning);
  EXPECT_EQ(nodes[0].preferred, kCapabilityFunctionCalling);
  EXPECT_EQ(nodes[0].context_window_tokens_min, 8000);
  EXPECT_EQ(nodes[0].cost_tier_max, CostTier::kPremium);
  EXPECT_TRUE(nodes[0].reasoning_required);
  EXPECT_EQ(DefaultStrategyOf(config), SelectionStrategy::kCostOptimized);
  EXPECT_EQ(DefaultStrategyOf({}), SelectionStrategy::kBalanced);
}

}  // namespace
}  // namespace gateway
