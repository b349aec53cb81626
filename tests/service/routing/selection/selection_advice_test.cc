#include "service/routing/selection/selection_advice.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/routing/selection/example_policies.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNoon = absl::FromUnixSeconds(1'800'000'000);

// Returns a model whose estimate, of a request without capabilities, is so many
// nano-dollars.
ModelPolicy Costing(const std::string& id, CostTier tier, int64_t nanos) {
  ModelPolicy policy = Model(id, 0, tier);
  policy.price = {nanos * 1000, 0};
  return policy;
}

TEST(RecommendForNodeTest, HasOnePickForEachStrategy) {
  const PolicyTable table(
      {Model("low", 0, CostTier::kLow), Model("high", 0, CostTier::kHigh)},
      {{.name = "node"}});
  const PerformanceRecord performance[] = {
      {}, {.successes = 9, .latency_sum = absl::Seconds(9)}};
  std::vector<std::string> picks;
  for (const StrategyPick& pick :
       RecommendForNode(table, {.node = "node", .performance = performance})) {
    ASSERT_TRUE(pick.result.ok());
    picks.push_back(std::string(StrategyName(pick.strategy)) + ": " +
                    pick.result->model->id);
    const bool is_high = pick.result->model->id == "high";
    EXPECT_EQ(pick.performance.calls(), is_high ? 9 : 0);
    EXPECT_DOUBLE_EQ(pick.performance_score, is_high ? 90 : 50);
  }
  // Balanced: 0.6 * 50 + 0.4 * 100 = 70 and 0.6 * 90 + 0.4 * 50 = 74.
  EXPECT_THAT(picks,
              ElementsAre("cost_optimized: low", "performance_optimized: high",
                          "balanced: high", "capability_strict: low",
                          "admin_preferred: low"));
}

TEST(RecommendForNodeTest, AnOverrideHidesNoPick) {
  const PolicyTable table(ExamplePolicies(), ExampleNodes());
  const std::vector<StrategyPick> picks = RecommendForNode(
      table,
      {.node = "writer", .override_policy = table.FindPolicy("claude-sonnet")});
  for (const StrategyPick& pick : picks) {
    ASSERT_TRUE(pick.result.ok());
    EXPECT_EQ(pick.result->basis, SelectionBasis::kBest);
    EXPECT_EQ(pick.result->strategy, pick.strategy);
  }
}

TEST(RecommendForNodeTest, ANodeThatNobodyServesHasFaultsForPicks) {
  const PolicyTable table(ExamplePolicies(), ExampleNodes());
  const std::vector<StrategyPick> picks = RecommendForNode(
      table,
      {.node = "search_perplexity", .capabilities = kCapabilityWebSearch});
  ASSERT_EQ(picks.size(), 5u);
  for (const StrategyPick& pick : picks) {
    EXPECT_EQ(FaultReason(pick.result.status()),
              v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
    EXPECT_DOUBLE_EQ(pick.performance_score, 50);
  }
}

TEST(AdviseOnCostTest, ThePublishedExampleHasNothingToSave) {
  const PolicyTable table(ExamplePolicies(), ExampleNodes());
  const CostAdvice advice = AdviseOnCost(table, {}, kNoon);
  EXPECT_EQ(advice.nodes_analyzed, 3);
  EXPECT_THAT(advice.opportunities, IsEmpty());
  EXPECT_EQ(advice.savings_usd_nanos_per_request(), 0);
}

TEST(AdviseOnCostTest, OnlySavingsAboveATenthOfACentAreWorthAWord) {
  for (const bool worth : {false, true}) {
    ModelPolicy best =
        Costing("best", CostTier::kLow, 3'000'000 + (worth ? 1 : 0));
    best.capabilities = kCapabilityVision;
    const PolicyTable table({best, Costing("cheap", CostTier::kLow, 2'000'000)},
                            {{.name = "n", .preferred = kCapabilityVision}});
    const CostAdvice advice = AdviseOnCost(table, {}, kNoon);
    EXPECT_EQ(advice.nodes_analyzed, 1);
    ASSERT_EQ(advice.opportunities.size(), worth ? 1u : 0u);
    if (!worth) continue;
    const CostOpportunity& found = advice.opportunities[0];
    EXPECT_EQ(found.node->name, "n");
    EXPECT_EQ(found.current->id, "best");
    EXPECT_EQ(found.recommended->id, "cheap");
    EXPECT_EQ(found.current_cost_usd_nanos, 3'000'001);
    EXPECT_EQ(found.recommended_cost_usd_nanos, 2'000'000);
    EXPECT_EQ(found.savings_usd_nanos(), 1'000'001);
  }
}

TEST(AdviseOnCostTest, WhatAnOverrideCostsIsSaved) {
  const PolicyTable table({Costing("cheap", CostTier::kLow, 1'000'000),
                           Costing("dear", CostTier::kPremium, 9'000'000)},
                          {{.name = "a"}, {.name = "b"}, {.name = "c"}});
  EXPECT_THAT(AdviseOnCost(table, {}, kNoon).opportunities, IsEmpty());
  const OverrideSet overrides(
      {{.node = "a", .model = "dear"},
       {.node = "b", .model = "dear", .expire_time = kNoon},
       {.node = "c", .model = "dear"}});
  EXPECT_EQ(AssignmentOf(table, overrides, table.nodes()[0], kNoon)->id,
            "dear");
  EXPECT_EQ(AssignmentOf(table, overrides, table.nodes()[1], kNoon)->id,
            "cheap");
  const CostAdvice advice = AdviseOnCost(table, overrides, kNoon);
  ASSERT_EQ(advice.opportunities.size(), 2u);
  EXPECT_EQ(advice.opportunities[0].node->name, "a");
  EXPECT_EQ(advice.opportunities[1].node->name, "c");
  EXPECT_EQ(advice.savings_usd_nanos_per_request(), 16'000'000);
}

TEST(AdviseOnCostTest, WhatNoOverrideCouldGiveIsNotRecommended) {
  ModelPolicy best = Costing("best", CostTier::kLow, 9'000'000);
  best.capabilities = kCapabilityVision;
  ModelPolicy pinned = Costing("pinned", CostTier::kLow, 1'000'000);
  pinned.admin_overridable = false;
  const PolicyTable table(
      {best, pinned, Costing("next", CostTier::kLow, 2'000'000)},
      {{.name = "n", .preferred = kCapabilityVision}});
  const CostAdvice advice = AdviseOnCost(table, {}, kNoon);
  ASSERT_EQ(advice.opportunities.size(), 1u);
  EXPECT_EQ(advice.opportunities[0].recommended->id, "next");
}

TEST(AdviseOnCostTest, EstimatesAreOfWhatTheNodeRequires) {
  ModelPolicy dear = Costing("dear", CostTier::kMedium, 2'000'000);
  ModelPolicy cheap = Costing("cheap", CostTier::kMedium, 1'000'000);
  dear.capabilities = cheap.capabilities = kCapabilityReasoning;
  const PolicyTable table({dear, cheap},
                          {{.name = "n", .reasoning_required = true}});
  const CostAdvice advice = AdviseOnCost(table, {}, kNoon);
  // Half more for reasoning: without that it would be 1'000'000, and too
  // little.
  EXPECT_EQ(advice.savings_usd_nanos_per_request(), 1'500'000);
}

std::vector<std::string> Texts(const std::vector<PolicyFinding>& findings) {
  std::vector<std::string> texts;
  for (const PolicyFinding& finding : findings) {
    texts.push_back(finding.path + ": " + finding.message);
  }
  return texts;
}

TEST(CheckPoliciesTest, ThePublishedExampleHasThreeIssues) {
  const PolicyTable table(ExamplePolicies(), ExampleNodes());
  const PolicyFindings findings = CheckPolicies(table);
  EXPECT_FALSE(findings.valid());
  EXPECT_THAT(
      Texts(findings.issues),
      ElementsAre("policies[0].fallback_models[1]: fallback 'gpt-4o' of policy "
                  "'gemini-2.5-pro' is not defined",
                  "policies[1].fallback_models[0]: fallback 'gpt-4o' of policy "
                  "'claude-sonnet' is not defined",
                  "nodes[2]: no model can serve node 'search_perplexity': "
                  "gemini-2.5-pro (lacks web_search), claude-sonnet (lacks "
                  "web_search)"));
  EXPECT_THAT(findings.warnings, IsEmpty());
}

TEST(CheckPoliciesTest, WhatNoNodeComesToIsDoubtful) {
  std::vector<ModelPolicy> policies = {Model("first", 0, CostTier::kLow),
                                       Model("second", 0), Model("third", 0),
                                       Model("alone", 0)};
  policies[0].fallback_models = {"second", "first"};
  policies[1].fallback_models = {"third", "first"};
  policies[3].fallback_models = {"first"};
  const PolicyFindings findings =
      CheckPolicies(PolicyTable(policies, {{.name = "n"}}));
  EXPECT_TRUE(findings.valid());
  EXPECT_THAT(Texts(findings.warnings),
              ElementsAre("policies[0].fallback_models[1]: policy 'first' is "
                          "its own fallback",
                          "policies[3]: policy 'alone' is used by no node"));
  // Without nodes, models are chosen by what requests name.
  EXPECT_THAT(CheckPolicies(PolicyTable({Model("alone", 0)}, {})).warnings,
              IsEmpty());
}

TEST(CheckPoliciesTest, WithoutPoliciesNoNodeIsServed) {
  EXPECT_THAT(Texts(CheckPolicies(PolicyTable({}, {{.name = "n"}})).issues),
              ElementsAre("nodes[0]: no model can serve node 'n': no policy is "
                          "configured"));
  EXPECT_TRUE(CheckPolicies(PolicyTable()).valid());
}

}  // namespace
}  // namespace gateway
