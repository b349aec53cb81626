#include "service/routing/selection/model_selection.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/routing/selection/example_policies.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr SelectionStrategy kCost = SelectionStrategy::kCostOptimized;
constexpr SelectionStrategy kPerformance =
    SelectionStrategy::kPerformanceOptimized;
constexpr SelectionStrategy kBalanced = SelectionStrategy::kBalanced;
constexpr SelectionStrategy kStrict = SelectionStrategy::kCapabilityStrict;
constexpr SelectionStrategy kAdmin = SelectionStrategy::kAdminPreferred;

// Returns a model with prices in dollars per million tokens.
ModelPolicy Priced(const std::string& id, CostTier tier, int64_t input,
                   int64_t output) {
  ModelPolicy policy = Model(id, kCapabilityStreaming, tier);
  policy.price = {input * 1'000'000'000, output * 1'000'000'000};
  return policy;
}

// One success for each hundredth of `rate`, failures for the others.
PerformanceRecord Performed(double rate, absl::Duration latency,
                            int recent_failures) {
  const auto successes = static_cast<int64_t>(100 * rate);
  return {.successes = successes,
          .failures = 100 - successes,
          .latency_sum = latency * successes,
          .recent_failures = recent_failures};
}

template <typename Policies>
std::vector<std::string> Ids(const Policies& policies) {
  std::vector<std::string> ids;
  for (const ModelPolicy* policy : policies) ids.push_back(policy->id);
  return ids;
}

TEST(SelectionScoreTest, ThePublishedExamples) {
  EXPECT_DOUBLE_EQ(BalancedScore(90, CostTier::kMedium), 84);
  EXPECT_DOUBLE_EQ(BalancedScore(PerformanceScore({}), CostTier::kLow), 70);
}

TEST(SelectionScoreTest, TiersCountAsDocumented) {
  EXPECT_DOUBLE_EQ(CostScore(CostTier::kLow), 100);
  EXPECT_DOUBLE_EQ(CostScore(CostTier::kMedium), 75);
  EXPECT_DOUBLE_EQ(CostScore(CostTier::kHigh), 50);
  EXPECT_DOUBLE_EQ(CostScore(CostTier::kPremium), 25);
  EXPECT_DOUBLE_EQ(PerformanceOptimizedScore(50, CostTier::kLow), 50);
  EXPECT_DOUBLE_EQ(PerformanceOptimizedScore(50, CostTier::kMedium), 50);
  EXPECT_DOUBLE_EQ(PerformanceOptimizedScore(50, CostTier::kHigh), 55);
  EXPECT_DOUBLE_EQ(PerformanceOptimizedScore(50, CostTier::kPremium), 60);
}

// Selects from the published example, or from models of a test's own.
class ModelSelectionTest : public testing::Test {
 protected:
  void Configure(std::vector<ModelPolicy> policies,
                 std::vector<NodeRequirement> nodes = {}) {
    table_.emplace(std::move(policies), std::move(nodes));
  }

  // Returns the chosen model's id, or the fault's reason.
  std::string Select(const SelectionQuery& query) {
    const absl::StatusOr<SelectionResult> result =
        SelectModel(*table_, query, &candidates_);
    // Asking for the candidates must not change the choice.
    const absl::StatusOr<SelectionResult> again = SelectModel(*table_, query);
    EXPECT_EQ(again.status().message(), result.status().message());
    status_ = result.status();
    if (!result.ok()) return std::string(ReasonName(FaultReason(status_)));
    EXPECT_EQ(again->model, result->model);
    EXPECT_EQ(candidates_.size(), table_->policies().size());
    result_ = *result;
    return result_.model->id;
  }

  std::vector<std::string> Outcomes() const {
    std::vector<std::string> outcomes;
    for (const SelectionCandidate& candidate : candidates_) {
      outcomes.push_back(candidate.policy->id + ": " + candidate.outcome);
    }
    return outcomes;
  }
  const ModelPolicy* Find(std::string_view id) const {
    return table_->FindPolicy(id);
  }

  std::optional<PolicyTable> table_{std::in_place, ExamplePolicies(),
                                    ExampleNodes()};
  SelectionResult result_;
  std::vector<SelectionCandidate> candidates_;
  absl::Status status_;
};

TEST_F(ModelSelectionTest, EachStrategyServesThePublishedNodes) {
  for (const SelectionStrategy strategy : kSelectionStrategies) {
    EXPECT_EQ(Select({.node = "writer",
                      .capabilities = kCapabilityCreativeWriting,
                      .strategy = strategy}),
              "gemini-2.5-pro");
    EXPECT_EQ(Select({.node = "evaluator",
                      .capabilities = kCapabilityReasoning,
                      .strategy = strategy}),
              "claude-sonnet");
    EXPECT_EQ(Select({.node = "search_perplexity",
                      .capabilities = kCapabilityWebSearch,
                      .strategy = strategy}),
              "CAPABILITY_UNSUPPORTED")
        << StrategyName(strategy);
  }
}

TEST_F(ModelSelectionTest, NobodyServesWhatNobodyHas) {
  EXPECT_EQ(Select({.node = "search_perplexity"}), "CAPABILITY_UNSUPPORTED");
  EXPECT_EQ(status_.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status_.message(),
            "no model can serve node 'search_perplexity', which needs "
            "web_search, a context window of 16000 tokens, cost tier HIGH at "
            "most: gemini-2.5-pro (lacks web_search), claude-sonnet (lacks "
            "web_search)");
  EXPECT_THAT(Outcomes(), ElementsAre("gemini-2.5-pro: lacks web_search",
                                      "claude-sonnet: lacks web_search"));
  EXPECT_FALSE(candidates_[0].score.has_value());
  // Not even where all but one model have failed the caller just now.
  const std::string_view failed[] = {"gemini-2.5-pro"};
  EXPECT_EQ(Select({.node = "search_perplexity", .previous_failures = failed}),
            "CAPABILITY_UNSUPPORTED");
}

TEST_F(ModelSelectionTest, ARequestWithoutANodeIsToldWhatItNeeds) {
  EXPECT_EQ(Select({.capabilities = kCapabilityVision, .strategy = kStrict}),
            "CAPABILITY_UNSUPPORTED");
  EXPECT_EQ(status_.message(),
            "no model can serve the request, which needs vision: "
            "gemini-2.5-pro (lacks vision), claude-sonnet (lacks vision)");
  EXPECT_EQ(FaultMetadata(status_, "model"), "");
  Configure({});
  EXPECT_EQ(Select({.node = "writer"}), "CAPABILITY_UNSUPPORTED");
  EXPECT_EQ(status_.message(),
            "no model can serve node 'writer': no model policy is configured");
}

TEST_F(ModelSelectionTest, AFaultExplainsEightModels) {
  std::vector<ModelPolicy> policies;
  for (int i = 0; i < 8; ++i) policies.push_back(Model("m", 0));
  Configure(policies);
  EXPECT_EQ(Select({.capabilities = kCapabilityVision}),
            "CAPABILITY_UNSUPPORTED");
  EXPECT_TRUE(absl::EndsWith(status_.message(), "m (lacks vision)"));
  policies.push_back(Model("m", 0));
  Configure(policies);
  EXPECT_EQ(Select({.capabilities = kCapabilityVision}),
            "CAPABILITY_UNSUPPORTED");
  EXPECT_TRUE(absl::EndsWith(status_.message(), "m (lacks vision) and 1 more"));
}

TEST_F(ModelSelectionTest, WhatIsWrongForThisCallAloneIsACapabilityThatLacks) {
  const auto no_pictures = [](size_t) {
    return SelectionObstacle{.why = "does not take images",
                             .is_of_request = true};
  };
  EXPECT_EQ(Select({.node = "writer", .obstacle_of = no_pictures}),
            "CAPABILITY_UNSUPPORTED");
  EXPECT_THAT(std::string(status_.message()),
              HasSubstr("gemini-2.5-pro (does not take images)"));
}

TEST_F(ModelSelectionTest, TheOnlyModelIsNamedInTheFault) {
  Configure({Model("only", 0)});
  EXPECT_EQ(Select({.capabilities = kCapabilityVision}),
            "CAPABILITY_UNSUPPORTED");
  EXPECT_EQ(FaultMetadata(status_, "provider"), "p");
  EXPECT_EQ(FaultMetadata(status_, "model"), "only");
}

TEST_F(ModelSelectionTest, ModelsThatCannotBeAskedAreNotChosen) {
  EXPECT_EQ(Select({.obstacle_of = Unavailable({"no credential", ""})}),
            "claude-sonnet");
  EXPECT_THAT(Outcomes(), ElementsAre("gemini-2.5-pro: no credential",
                                      "claude-sonnet: chosen"));
  EXPECT_THAT(result_.fallback_chain, IsEmpty());
  EXPECT_EQ(
      Select({.node = "writer",
              .obstacle_of = Unavailable({"no credential", "circuit open"})}),
      "PROVIDER_UNAVAILABLE");
  EXPECT_EQ(status_.message(),
            "no model can now serve node 'writer', which needs streaming, "
            "creative_writing, a context window of 8000 tokens, cost tier HIGH "
            "at most: gemini-2.5-pro (no credential), claude-sonnet (lacks "
            "creative_writing)");
}

// Those of these ids come last.
std::function<SelectionObstacle(size_t)> Last(const PolicyTable& table,
                                              std::set<std::string_view> ids) {
  return [&table, ids = std::move(ids)](size_t place) {
    if (!ids.contains(table.policies()[place].id)) return SelectionObstacle();
    return SelectionObstacle{.why = "comes last", .only_comes_last = true};
  };
}

TEST_F(ModelSelectionTest, WhoComesLastIsBehindTheOthersAndStaysAmongThem) {
  std::vector<ModelPolicy> policies = {Priced("best", CostTier::kLow, 1, 1),
                                       Priced("good", CostTier::kHigh, 1, 1),
                                       Priced("next", CostTier::kHigh, 2, 2)};
  policies[1].fallback_models = {"best", "next"};
  policies[2].fallback_models = {"best", "good"};
  Configure(policies);
  for (const SelectionStrategy strategy :
       {kCost, kPerformance, kBalanced, kStrict, kAdmin}) {
    EXPECT_EQ(
        Select({.strategy = strategy, .obstacle_of = Last(*table_, {"best"})}),
        "good");
    EXPECT_EQ(result_.qualified, 2u);
    // As if they had been chosen themselves.
    EXPECT_THAT(result_.fallback_scores,
                ElementsAre(*candidates_[2].score, *candidates_[0].score));
    EXPECT_THAT(Ids(result_.alternatives), ElementsAre("next", "best"));
    EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("next", "best"));
    EXPECT_THAT(Outcomes(), ElementsAre("best: comes last", "good: chosen",
                                        "next: qualifies"));
    EXPECT_GT(*candidates_[0].score, 0);
  }
  EXPECT_EQ(Select({.strategy = kCost,
                    .obstacle_of = Last(*table_, {"best", "good", "next"})}),
            "best");
  EXPECT_EQ(result_.qualified, 3u);
  EXPECT_THAT(Ids(result_.alternatives), ElementsAre("good", "next"));
  // It has not failed the caller.
  const std::string_view failed[] = {"good", "next"};
  EXPECT_EQ(Select({.strategy = kCost,
                    .previous_failures = failed,
                    .obstacle_of = Last(*table_, {"best"})}),
            "best");
  // Nor is it behind what the caller cannot pay.
  EXPECT_EQ(Select({.strategy = kCost,
                    .budget_remaining_usd_nanos = 1'500'000,
                    .obstacle_of = Last(*table_, {"best", "good"})}),
            "best");
  EXPECT_EQ(result_.basis, SelectionBasis::kWithinBudget);
  EXPECT_EQ(Select({.strategy = kCost,
                    .budget_remaining_usd_nanos = 0,
                    .obstacle_of = Last(*table_, {"best"})}),
            "good");
  EXPECT_EQ(result_.basis, SelectionBasis::kOverBudget);
  // What an operator has given is asked all the same.
  EXPECT_EQ(Select({.override_policy = Find("best"),
                    .obstacle_of = Last(*table_, {"best"})}),
            "best");
  EXPECT_EQ(result_.basis, SelectionBasis::kOverride);
}

TEST_F(ModelSelectionTest, CostOptimizedGoesByTierThenByPrice) {
  Configure({Priced("premium", CostTier::kPremium, 0, 0),
             Priced("high", CostTier::kHigh, 1, 1),
             Priced("low-6", CostTier::kLow, 1, 5),
             Priced("low-5", CostTier::kLow, 4, 1),
             Priced("low-5-too", CostTier::kLow, 1, 4),
             Priced("medium", CostTier::kMedium, 1, 1)});
  EXPECT_EQ(Select({.strategy = kCost}), "low-5");
  EXPECT_DOUBLE_EQ(result_.confidence, 0.8);
  EXPECT_DOUBLE_EQ(result_.score, 100);
  EXPECT_EQ(result_.qualified, 5u);
  EXPECT_THAT(Ids(result_.alternatives),
              ElementsAre("low-5-too", "low-6", "medium", "high"));
  EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("low-5-too", "low-6"));
  EXPECT_EQ(result_.Reasoning(),
            "cost_optimized: score 100.0, the best of 5 models");
  EXPECT_EQ(Outcomes()[0], "premium: its cost tier PREMIUM is too dear");
}

TEST_F(ModelSelectionTest, AlternativesAreFourAndTheChainIsTwo) {
  std::vector<ModelPolicy> policies;
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
    policies.push_back(Model(id, 0));
  }
  Configure(policies);
  for (const SelectionStrategy strategy :
       {kCost, kPerformance, kBalanced, kStrict}) {
    EXPECT_EQ(Select({.strategy = strategy}), "a");
    EXPECT_THAT(Ids(result_.alternatives), ElementsAre("b", "c", "d", "e"));
    EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("b", "c"));
  }
}

TEST_F(ModelSelectionTest, PerformanceOptimizedGoesByScoreAndALittleByTier) {
  Configure({Model("medium", 0, CostTier::kMedium),
             Model("high", 0, CostTier::kHigh),
             Model("premium", 0, CostTier::kPremium)});
  const SelectionQuery query = {.strategy = kPerformance,
                                .cost_tier_max = CostTier::kPremium};
  EXPECT_EQ(Select(query), "premium");
  EXPECT_DOUBLE_EQ(result_.score, 60);
  EXPECT_DOUBLE_EQ(result_.confidence, 0.6);
  EXPECT_EQ(Ids(result_.alternatives),
            (std::vector<std::string>{"high", "medium"}));

  // 90 + 0, 56 + 5, 45 + 10.
  const PerformanceRecord performance[] = {
      Performed(1, absl::Seconds(1), 0),
      Performed(.9, absl::Milliseconds(3500), 2),
      Performed(.5, absl::Milliseconds(500), 7)};
  SelectionQuery informed = query;
  informed.performance = performance;
  EXPECT_EQ(Select(informed), "medium");
  EXPECT_DOUBLE_EQ(result_.score, 90);
  EXPECT_DOUBLE_EQ(result_.confidence, 0.9);
  EXPECT_DOUBLE_EQ(*candidates_[1].score, 61);
  EXPECT_DOUBLE_EQ(*candidates_[2].score, 55);
  EXPECT_EQ(result_.Reasoning(),
            "performance_optimized: score 90.0, the best of 3 models");
}

TEST_F(ModelSelectionTest, ConfidenceIsAtMostOne) {
  Configure({Model("premium", 0, CostTier::kPremium)});
  const PerformanceRecord perfect[] = {Performed(1, absl::ZeroDuration(), 0)};
  EXPECT_EQ(Select({.strategy = kPerformance,
                    .cost_tier_max = CostTier::kPremium,
                    .performance = perfect}),
            "premium");
  EXPECT_DOUBLE_EQ(result_.score, 110);
  EXPECT_DOUBLE_EQ(result_.confidence, 1);
}

TEST_F(ModelSelectionTest, BalancedWeighsPerformanceAgainstCost) {
  Configure(
      {Model("medium", 0, CostTier::kMedium), Model("low", 0, CostTier::kLow)});
  const PerformanceRecord performance[] = {Performed(1, absl::Seconds(1), 0),
                                           {}};
  EXPECT_EQ(Select({.performance = performance}), "medium");
  EXPECT_EQ(result_.strategy, kBalanced);
  EXPECT_DOUBLE_EQ(result_.score, 84);
  EXPECT_DOUBLE_EQ(result_.confidence, 0.84);
  EXPECT_DOUBLE_EQ(*candidates_[1].score, 70);
  EXPECT_EQ(Select({}), "low");
  EXPECT_DOUBLE_EQ(result_.confidence, 0.7);
}

TEST_F(ModelSelectionTest, StrictAsksForNothingButWhatTheRequestNames) {
  ModelPolicy tiny = Priced("tiny", CostTier::kLow, 9, 9);
  tiny.context_window_tokens = 1;
  Configure({Priced("premium", CostTier::kPremium, 1, 1),
             Model("other", 0, CostTier::kLow), tiny},
            {{.name = "node", .required = kCapabilityReasoning}});
  EXPECT_EQ(Select({.node = "node",
                    .capabilities = kCapabilityStreaming,
                    .strategy = kStrict}),
            "tiny");
  EXPECT_DOUBLE_EQ(result_.confidence, 0.9);
  EXPECT_THAT(Ids(result_.alternatives), ElementsAre("premium"));
  // But what it names for itself counts, the tier too.
  Configure({Priced("premium", CostTier::kPremium, 1, 1)});
  EXPECT_EQ(Select({.capabilities = kCapabilityStreaming,
                    .strategy = kStrict,
                    .cost_tier_max = CostTier::kHigh}),
            "CAPABILITY_UNSUPPORTED");
}

TEST_F(ModelSelectionTest, AdminPreferredTakesTheNodesBestAndItsFallbacks) {
  std::vector<ModelPolicy> policies = {
      Model("a", kCapabilityStreaming), Model("b", kCapabilityStreaming),
      Model("c", kCapabilityStreaming),
      Model("best", kCapabilityStreaming, CostTier::kLow), Model("weak", 0)};
  policies[3].fallback_models = {"undefined", "weak", "best", "c",
                                 "c",         "b",    "a"};
  Configure(policies, {{.name = "node", .required = kCapabilityStreaming}});
  EXPECT_EQ(Select({.node = "node", .strategy = kAdmin}), "best");
  EXPECT_DOUBLE_EQ(result_.confidence, 1);
  // 10 for what is required, 15 for the tier, 4 for twice the least window.
  EXPECT_DOUBLE_EQ(result_.score, 29);
  EXPECT_THAT(result_.fallback_scores,
              ElementsAre(*candidates_[2].score, *candidates_[1].score));
  EXPECT_THAT(Ids(result_.alternatives), ElementsAre("a", "b", "c"));
  // Without a loss of what is needed: `weak` cannot take its place.
  EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("c", "b"));

  // The operator's word comes before the caller's experience.
  const std::string_view failed[] = {"best", "c"};
  EXPECT_EQ(
      Select({.node = "node", .strategy = kAdmin, .previous_failures = failed}),
      "best");
  EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("b", "a"));
  EXPECT_EQ(
      Select({.node = "node",
              .strategy = kAdmin,
              .obstacle_of = Unavailable({"", "circuit open", "", "", ""})}),
      "best");
  EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("c", "a"));
}

TEST_F(ModelSelectionTest, TheCallersTierTakesThePlaceOfTheNodes) {
  Configure({Model("low", 0, CostTier::kLow),
             Model("premium", 0, CostTier::kPremium)},
            {{.name = "node", .cost_tier_max = CostTier::kMedium}});
  const auto qualified = [&](std::optional<CostTier> tier) {
    EXPECT_EQ(
        Select({.node = "node", .strategy = kCost, .cost_tier_max = tier}),
        "low");
    return result_.qualified;
  };
  EXPECT_EQ(qualified(std::nullopt), 1u);
  EXPECT_EQ(qualified(CostTier::kHigh), 1u);
  EXPECT_EQ(qualified(CostTier::kPremium), 2u);
  EXPECT_EQ(table_->nodes()[0].cost_tier_max, CostTier::kMedium);
  Configure({Model("medium", 0, CostTier::kMedium)});
  EXPECT_EQ(Select({.cost_tier_max = CostTier::kLow}),
            "CAPABILITY_UNSUPPORTED");
}

TEST_F(ModelSelectionTest, WhatHasJustFailedIsLeftOut) {
  Configure({Model("a", 0), Model("b", 0), Model("c", 0)});
  const std::string_view failed[] = {"c", "a", "unknown"};
  for (const SelectionStrategy strategy :
       {kCost, kPerformance, kBalanced, kStrict}) {
    EXPECT_EQ(Select({.strategy = strategy, .previous_failures = failed}), "b");
    EXPECT_THAT(result_.alternatives, IsEmpty());
    EXPECT_THAT(result_.fallback_chain, IsEmpty());
    EXPECT_THAT(Outcomes(),
                ElementsAre("a: has failed the caller just now", "b: chosen",
                            "c: has failed the caller just now"));
  }
}

TEST_F(ModelSelectionTest, WhereAllHaveFailedTheBestOfThemIsTriedAgain) {
  Configure({Model("a", 0), Model("b", 0, CostTier::kLow)});
  const std::string_view failed[] = {"a", "b"};
  EXPECT_EQ(Select({.strategy = kCost, .previous_failures = failed}), "b");
  EXPECT_EQ(result_.basis, SelectionBasis::kPreviousFailure);
  EXPECT_DOUBLE_EQ(result_.confidence, 0.05);
  EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("a"));
  EXPECT_EQ(result_.Reasoning(),
            "cost_optimized: score 100.0, the best of 2 models, each of which "
            "has failed the caller just now");
}

TEST_F(ModelSelectionTest, TheEstimateIsOfWhatTheRequestNames) {
  EXPECT_EQ(Select({.node = "evaluator"}), "claude-sonnet");
  EXPECT_EQ(result_.cost_estimate_usd_nanos, 10'500'000);
  EXPECT_EQ(Select({.node = "evaluator", .capabilities = kCapabilityReasoning}),
            "claude-sonnet");
  EXPECT_EQ(result_.cost_estimate_usd_nanos, 15'750'000);
  EXPECT_EQ(candidates_[1].cost_estimate_usd_nanos, 15'750'000);
}

TEST_F(ModelSelectionTest, TheBudgetIsKeptToTheNanoDollar) {
  // Estimates of 0.0105 $, 0.002 $ and 0.003 $.
  Configure({Priced("best", CostTier::kHigh, 3, 15),
             Priced("cheap", CostTier::kHigh, 1, 2),
             Priced("middle", CostTier::kLow, 2, 2)},
            {{.name = "node", .preferred = kCapabilityStreaming}});
  const PerformanceRecord performance[] = {
      Performed(1, absl::ZeroDuration(), 0),
      Performed(0, absl::ZeroDuration(), 10),
      Performed(0, absl::ZeroDuration(), 10)};
  const auto select = [&](int64_t budget) {
    return Select({.strategy = kPerformance,
                   .budget_remaining_usd_nanos = budget,
                   .performance = performance});
  };
  EXPECT_EQ(select(10'500'000), "best");
  EXPECT_EQ(result_.basis, SelectionBasis::kBest);
  EXPECT_EQ(select(10'499'999), "cheap");
  EXPECT_EQ(result_.basis, SelectionBasis::kWithinBudget);
  EXPECT_DOUBLE_EQ(result_.confidence, 0.7);
  EXPECT_EQ(result_.in_place_of, Find("best"));
  EXPECT_EQ(result_.cost_estimate_usd_nanos, 2'000'000);
  EXPECT_THAT(Ids(result_.alternatives), ElementsAre("middle"));
  EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("middle"));
  EXPECT_EQ(result_.Reasoning(),
            "performance_optimized: the cheapest, since best costs more than "
            "the remaining budget");
  // What is offered for later costs no more, either.
  EXPECT_EQ(select(2'999'999), "cheap");
  EXPECT_THAT(result_.fallback_chain, IsEmpty());
  EXPECT_EQ(select(2'000'000), "cheap");
  EXPECT_EQ(result_.basis, SelectionBasis::kWithinBudget);
  // Nothing is cheap enough: the lowest tier.
  EXPECT_EQ(select(1'999'999), "middle");
  EXPECT_EQ(result_.basis, SelectionBasis::kOverBudget);
  EXPECT_DOUBLE_EQ(result_.confidence, 0.2);
  EXPECT_EQ(result_.Reasoning(),
            "performance_optimized: the cheapest of 3 models that all cost "
            "more than the remaining budget");
  EXPECT_EQ(select(0), "middle");
  EXPECT_EQ(Ids(result_.alternatives),
            (std::vector<std::string>{"cheap", "best"}));
}

TEST_F(ModelSelectionTest, NothingIsTakenForTheBudgetThatCannotServe) {
  EXPECT_EQ(
      Select({.node = "evaluator", .budget_remaining_usd_nanos = 500'000}),
      "claude-sonnet");
  EXPECT_EQ(result_.basis, SelectionBasis::kOverBudget);
  EXPECT_EQ(result_.in_place_of, nullptr);
}

TEST_F(ModelSelectionTest, AModelThatFailedStaysUnlikelyWithinABudget) {
  Configure(
      {Priced("a", CostTier::kLow, 9, 9), Priced("b", CostTier::kHigh, 1, 1)});
  const std::string_view failed[] = {"a", "b"};
  EXPECT_EQ(Select({.strategy = kCost,
                    .budget_remaining_usd_nanos = 1'500'000,
                    .previous_failures = failed}),
            "b");
  EXPECT_DOUBLE_EQ(result_.confidence, 0.05);
}

TEST_F(ModelSelectionTest, AnOverrideComesBeforeStrategiesAndNodes) {
  // The node asks for creative_writing, which the model lacks.
  for (const SelectionStrategy strategy : kSelectionStrategies) {
    EXPECT_EQ(Select({.node = "writer",
                      .capabilities = kCapabilityStreaming,
                      .strategy = strategy,
                      .cost_tier_max = CostTier::kLow,
                      .budget_remaining_usd_nanos = 0,
                      .override_policy = Find("claude-sonnet")}),
              "claude-sonnet");
    EXPECT_EQ(result_.basis, SelectionBasis::kOverride);
    EXPECT_DOUBLE_EQ(result_.confidence, 1);
    EXPECT_EQ(result_.cost_estimate_usd_nanos, 10'500'000);
    // Its first fallback is not defined.
    EXPECT_THAT(Ids(result_.fallback_chain), ElementsAre("gemini-2.5-pro"));
    EXPECT_EQ(result_.Reasoning(), "the operator's override for the node");
    EXPECT_THAT(Outcomes(),
                ElementsAre("gemini-2.5-pro: the node has an override",
                            "claude-sonnet: chosen"));
  }
}

TEST_F(ModelSelectionTest, AnOverrideThatCannotServeIsPassedOver) {
  EXPECT_EQ(Select({.node = "writer",
                    .capabilities = kCapabilityCreativeWriting,
                    .override_policy = Find("claude-sonnet")}),
            "gemini-2.5-pro");
  EXPECT_EQ(result_.basis, SelectionBasis::kBest);
  EXPECT_THAT(Outcomes(),
              ElementsAre("gemini-2.5-pro: chosen",
                          "claude-sonnet: the node's override: lacks "
                          "creative_writing"));
  EXPECT_EQ(Select({.node = "writer",
                    .override_policy = Find("claude-sonnet"),
                    .obstacle_of = Unavailable({"", "circuit open"})}),
            "gemini-2.5-pro");
  EXPECT_EQ(Outcomes()[1], "claude-sonnet: the node's override: circuit open");
}

TEST_F(ModelSelectionTest, AnOverrideCanBeAskedForAlone) {
  EXPECT_FALSE(SelectOverride(*table_, {.node = "writer"}).has_value());
  const SelectionQuery query = {.node = "writer",
                                .override_policy = Find("claude-sonnet")};
  ASSERT_TRUE(SelectOverride(*table_, query).has_value());
  EXPECT_EQ(SelectOverride(*table_, query)->model, Find("claude-sonnet"));
  SelectionQuery other = query;
  other.capabilities = kCapabilityVision;
  EXPECT_FALSE(SelectOverride(*table_, other).has_value());
}

TEST_F(ModelSelectionTest, ANodeThatIsNotConfiguredAsksForTheDefaults) {
  EXPECT_EQ(Select({.node = "test", .capabilities = kCapabilityStreaming}),
            "gemini-2.5-pro");
  EXPECT_EQ(result_.qualified, 2u);
  ModelPolicy small = Model("small", 0);
  small.context_window_tokens = 3999;
  Configure({small});
  EXPECT_EQ(Select({.node = "test"}), "CAPABILITY_UNSUPPORTED");
  small.context_window_tokens = 4000;
  Configure({small});
  EXPECT_EQ(Select({.node = "test"}), "small");
}

}  // namespace
}  // namespace gateway
