#include "service/routing/selection/model_policy.h"

#include <limits>
#include <string>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "tests/service/routing/selection/example_policies.h"

namespace gateway {
namespace {

using WireTier = ::llmgateway::v1::Selection;

TEST(CostTierTest, TiersAreComparedByTheirCostAndNotByTheirNames) {
  EXPECT_LT(CostTier::kLow, CostTier::kMedium);
  EXPECT_LT(CostTier::kMedium, CostTier::kHigh);
  EXPECT_LT(CostTier::kHigh, CostTier::kPremium);
}

TEST(CostTierTest, NumbersAreThoseOfTheContract) {
  EXPECT_EQ(static_cast<int>(CostTier::kLow), WireTier::COST_TIER_LOW);
  EXPECT_EQ(static_cast<int>(CostTier::kMedium), WireTier::COST_TIER_MEDIUM);
  EXPECT_EQ(static_cast<int>(CostTier::kHigh), WireTier::COST_TIER_HIGH);
  EXPECT_EQ(static_cast<int>(CostTier::kPremium), WireTier::COST_TIER_PREMIUM);
}

TEST(CostTierTest, NamesAreUpperOrLowerCase) {
  for (const CostTier tier : {CostTier::kLow, CostTier::kMedium,
                              CostTier::kHigh, CostTier::kPremium}) {
    EXPECT_EQ(*ParseCostTier(CostTierName(tier)), tier);
  }
  EXPECT_EQ(*ParseCostTier("premium"), CostTier::kPremium);
  EXPECT_EQ(CostTierName(CostTier::kMedium), "MEDIUM");
  for (const char* name : {"", "Medium", "FREE"}) {
    EXPECT_EQ(ParseCostTier(name).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(ParseCostTier("FREE").status().message(),
            "'FREE' is no cost tier; there are LOW, MEDIUM, HIGH, PREMIUM");
}

TEST(EstimateCostTest, ThePublishedExamples) {
  const ModelPrice gemini = ExamplePolicies()[0].price;
  const ModelPrice sonnet = ExamplePolicies()[1].price;
  EXPECT_EQ(EstimateCost(gemini, 0), 450'000);  // 0.00045 $
  EXPECT_EQ(EstimateCost(sonnet, kCapabilityLongContext | kCapabilityReasoning),
            31'500'000);  // 0.0315 $
}

TEST(EstimateCostTest, OnlyLongContextAndReasoningNeedMoreTokens) {
  const ModelPrice price = {1'000'000'000, 0};  // 1000 nano-dollars a token.
  EXPECT_EQ(EstimateCost(price, 0), 1'000'000);
  EXPECT_EQ(EstimateCost(price, kCapabilityLongContext), 2'000'000);
  EXPECT_EQ(EstimateCost(price, kCapabilityReasoning), 1'500'000);
  EXPECT_EQ(
      EstimateCost(price, ~(kCapabilityLongContext | kCapabilityReasoning)),
      1'000'000);
  const ModelPrice output = {0, 1'000'000'000};
  EXPECT_EQ(EstimateCost(output, 0), 500'000);
  EXPECT_EQ(EstimateCost(output, kCapabilityReasoning), 750'000);
}

TEST(EstimateCostTest, IsRoundedHalfUpOnce) {
  EXPECT_EQ(EstimateCost({0, 0}, 0), 0);
  EXPECT_EQ(EstimateCost({499, 0}, 0), 0);
  EXPECT_EQ(EstimateCost({500, 0}, 0), 1);
  EXPECT_EQ(EstimateCost({1499, 0}, 0), 1);
  EXPECT_EQ(EstimateCost({1500, 0}, 0), 2);
  // A quarter each: not half when they are rounded by themselves.
  EXPECT_EQ(EstimateCost({250, 500}, 0), 1);
  EXPECT_EQ(EstimateCost({250, 499}, 0), 0);
}

TEST(EstimateCostTest, PricesOutOfRangeCountAsTheNearestInIt) {
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(EstimateCost({-1, -kFar}, 0), 0);
  const ModelPrice dearest = {kPriceUsdNanosMax, kPriceUsdNanosMax};
  const CapabilitySet most = kCapabilityLongContext | kCapabilityReasoning;
  EXPECT_EQ(EstimateCost(dearest, most), 4'500'000'000'000);
  EXPECT_EQ(EstimateCost({kFar, kFar}, most), 4'500'000'000'000);
  EXPECT_EQ((ModelPrice{kFar, -1}.sum()), kPriceUsdNanosMax);
}

TEST(PolicyTableTest, WhatIsNotSaidIsTheDefault) {
  const ModelPolicy policy;
  EXPECT_EQ(policy.cost_tier, CostTier::kMedium);
  EXPECT_EQ(policy.context_window_tokens, 8000);
  EXPECT_EQ(policy.price.input_usd_nanos_per_million, 1'000'000'000);
  EXPECT_EQ(policy.price.output_usd_nanos_per_million, 3'000'000'000);
  EXPECT_TRUE(policy.fallback_models.empty());
  EXPECT_TRUE(policy.admin_overridable);
  const NodeRequirement node;
  EXPECT_EQ(node.context_window_tokens_min, 4000);
  EXPECT_EQ(node.cost_tier_max, CostTier::kHigh);
  EXPECT_FALSE(node.reasoning_required);
}

TEST(PolicyTableTest, ReasoningRequiredIsACapabilityThatIsNeeded) {
  EXPECT_EQ((NodeRequirement{.required = kCapabilityVision}.needed()),
            kCapabilityVision);
  EXPECT_EQ((NodeRequirement{.required = kCapabilityVision,
                             .reasoning_required = true}
                 .needed()),
            kCapabilityVision | kCapabilityReasoning);
}

TEST(PolicyTableTest, FindsByNameAndKeepsTheConfiguredOrder) {
  const PolicyTable table(ExamplePolicies(), ExampleNodes());
  EXPECT_EQ(table.policies()[0].id, "gemini-2.5-pro");
  EXPECT_EQ(table.FindPolicy("gemini-2.5-pro"), &table.policies()[0]);
  EXPECT_EQ(table.FindPolicy("claude-sonnet"), &table.policies()[1]);
  EXPECT_EQ(table.FindNode("search_perplexity"), &table.nodes()[2]);
  for (const char* name : {"", "claude", "claude-sonnet-4", "zzz", "writer"}) {
    EXPECT_EQ(table.FindPolicy(name), nullptr) << name;
  }
  EXPECT_EQ(table.FindNode("formatter"), nullptr);
  EXPECT_EQ(PolicyTable().FindPolicy("a"), nullptr);
}

TEST(PolicyTableTest, OfSeveralOfOneNameTheFirstIsFound) {
  const PolicyTable table(
      {Model("b", 0), Model("a", 0), Model("a", kCapabilityVision)},
      {{.name = "n"}, {.name = "n", .required = kCapabilityVision}});
  EXPECT_EQ(table.FindPolicy("a"), &table.policies()[1]);
  EXPECT_EQ(table.FindNode("n"), &table.nodes()[0]);
}

TEST(PolicyTableTest, ANodeThatIsNotConfiguredAsksForTheDefaults) {
  const PolicyTable table(ExamplePolicies(), ExampleNodes());
  EXPECT_EQ(&table.RequirementOf("writer"), &table.nodes()[0]);
  EXPECT_EQ(table.RequirementOf("formatter").name, "");
  EXPECT_EQ(table.RequirementOf("formatter").context_window_tokens_min, 4000);
}

}  // namespace
}  // namespace gateway
