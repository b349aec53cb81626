#include "service/routing/selection/node_policy.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/service/routing/selection/example_policies.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// Two models and three nodes as they were first published.
class NodePolicyTest : public testing::Test {
 protected:
  std::string BestFor(std::string_view node) {
    const ModelPolicy* best = BestForNode(table_, table_.RequirementOf(node));
    return best == nullptr ? "none" : best->id;
  }
  std::string Lacks(std::string_view model, std::string_view node) {
    return ShortfallOf(*table_.FindPolicy(model),
                       WantedBy(table_.RequirementOf(node)))
        .Text();
  }
  double Score(std::string_view model, std::string_view node) {
    return NodeScore(*table_.FindPolicy(model), table_.RequirementOf(node));
  }

  const PolicyTable table_{ExamplePolicies(), ExampleNodes()};
};

TEST_F(NodePolicyTest, ThePublishedExamples) {
  EXPECT_EQ(BestFor("writer"), "gemini-2.5-pro");
  EXPECT_DOUBLE_EQ(Score("gemini-2.5-pro", "writer"), 48);
  EXPECT_EQ(Lacks("claude-sonnet", "writer"), "lacks creative_writing");

  EXPECT_EQ(BestFor("evaluator"), "claude-sonnet");
  EXPECT_DOUBLE_EQ(Score("claude-sonnet", "evaluator"), 30);
  EXPECT_EQ(Lacks("gemini-2.5-pro", "evaluator"), "lacks reasoning");

  EXPECT_EQ(BestFor("search_perplexity"), "none");
  EXPECT_EQ(Lacks("gemini-2.5-pro", "search_perplexity"), "lacks web_search");
  EXPECT_EQ(Lacks("claude-sonnet", "search_perplexity"), "lacks web_search");
}

TEST_F(NodePolicyTest, ANodeThatIsNotConfiguredGetsTheBestByTheDefaults) {
  // MEDIUM and five windows of 4000 tokens: 20; HIGH and five: 15.
  EXPECT_EQ(BestFor("formatter"), "gemini-2.5-pro");
  EXPECT_DOUBLE_EQ(Score("gemini-2.5-pro", "formatter"), 20);
  EXPECT_DOUBLE_EQ(Score("claude-sonnet", "formatter"), 15);
}

TEST(ShortfallTest, TheContextWindowMustBeAsLargeAsTheNodesLeast) {
  ModelPolicy model = Model("m", 0);
  const Wanted wanted = WantedBy({.context_window_tokens_min = 8000});
  model.context_window_tokens = 7999;
  EXPECT_EQ(ShortfallOf(model, wanted).Text(),
            "its context window of 7999 tokens is too small");
  EXPECT_FALSE(ShortfallOf(model, wanted).none());
  model.context_window_tokens = 8000;
  EXPECT_TRUE(ShortfallOf(model, wanted).none());
  EXPECT_EQ(ShortfallOf(model, wanted).Text(), "");
}

TEST(ShortfallTest, TheTierMustNotBeAboveTheNodesHighest) {
  for (int highest = 1; highest <= 4; ++highest) {
    const Wanted wanted =
        WantedBy({.cost_tier_max = static_cast<CostTier>(highest)});
    for (int tier = 1; tier <= 4; ++tier) {
      const ModelPolicy model = Model("m", 0, static_cast<CostTier>(tier));
      EXPECT_EQ(ShortfallOf(model, wanted).none(), tier <= highest)
          << tier << " where " << highest << " is allowed";
    }
  }
  EXPECT_EQ(ShortfallOf(Model("m", 0, CostTier::kPremium),
                        WantedBy({.cost_tier_max = CostTier::kHigh}))
                .Text(),
            "its cost tier PREMIUM is too dear");
}

TEST(ShortfallTest, ReasoningRequiredIsAsGoodAsAskedForByName) {
  const Wanted wanted = WantedBy({.reasoning_required = true});
  EXPECT_EQ(ShortfallOf(Model("m", 0), wanted).Text(), "lacks reasoning");
  EXPECT_TRUE(ShortfallOf(Model("m", kCapabilityReasoning), wanted).none());
}

TEST(ShortfallTest, EverythingThatIsMissingIsSaid) {
  ModelPolicy model = Model("m", kCapabilityVision, CostTier::kHigh);
  model.context_window_tokens = 1;
  const Wanted wanted = {.capabilities = kCapabilityVision |
                                         kCapabilityStreaming |
                                         kCapabilityJsonMode,
                         .context_window_tokens_min = 2,
                         .cost_tier_max = CostTier::kLow};
  EXPECT_EQ(ShortfallOf(model, wanted).Text(),
            "lacks streaming, json_mode; its context window of 1 tokens is too "
            "small; its cost tier HIGH is too dear");
  EXPECT_EQ(wanted.Text(),
            "streaming, vision, json_mode, a context window of 2 tokens, cost "
            "tier LOW at most");
  EXPECT_EQ(Wanted{}.Text(), "");
}

TEST(NodeScoreTest, EachPartCountsAsDocumented) {
  ModelPolicy model = Model("m", 0, CostTier::kPremium);
  model.context_window_tokens = 0;
  EXPECT_DOUBLE_EQ(NodeScore(model, {}), 0);
  model.cost_tier = CostTier::kHigh;
  EXPECT_DOUBLE_EQ(NodeScore(model, {}), 5);
  model.cost_tier = CostTier::kMedium;
  EXPECT_DOUBLE_EQ(NodeScore(model, {}), 10);
  model.cost_tier = CostTier::kLow;
  EXPECT_DOUBLE_EQ(NodeScore(model, {}), 15);
  model.capabilities = kCapabilityVision | kCapabilityReasoning;
  EXPECT_DOUBLE_EQ(
      NodeScore(model, {.required = kCapabilityVision | kCapabilityReasoning}),
      35);
  // Of what is preferred only what is there.
  EXPECT_DOUBLE_EQ(
      NodeScore(model, {.preferred = kCapabilityVision | kCapabilityWebSearch}),
      20);
}

TEST(NodeScoreTest, TheWindowCountsUpToFiveTimesTheLeast) {
  ModelPolicy model = Model("m", 0, CostTier::kPremium);
  const auto score = [&](int64_t window, int64_t least) {
    model.context_window_tokens = window;
    return NodeScore(model, {.context_window_tokens_min = least});
  };
  EXPECT_DOUBLE_EQ(score(8000, 8000), 2);
  EXPECT_DOUBLE_EQ(score(39'996, 8000), 9.999);
  EXPECT_DOUBLE_EQ(score(40'000, 8000), 10);
  EXPECT_DOUBLE_EQ(score(40'004, 8000), 10);
  // A least window below 1000 counts as 1000.
  EXPECT_DOUBLE_EQ(score(2000, 1000), 4);
  EXPECT_DOUBLE_EQ(score(2000, 999), 4);
  EXPECT_DOUBLE_EQ(score(2000, 0), 4);
  EXPECT_DOUBLE_EQ(score(2002, 1001), 4);
}

TEST(BestForNodeTest, OfEqualsTheFirstConfiguredIsTaken) {
  const PolicyTable table({Model("b", 0), Model("a", 0), Model("c", 0)}, {});
  EXPECT_EQ(BestForNode(table, {})->id, "b");
  EXPECT_EQ(BestForNode(PolicyTable(), {}), nullptr);
}

TEST(BestForNodeTest, TheBestIsViableAndNobodyBeforeItIsAsGood) {
  FakeRandom random{20260103};
  int found = 0;
  for (int round = 0; round < 20'000; ++round) {
    const PolicyTable table(DrawPolicies(random, 6), {});
    const NodeRequirement node = {
        .required =
            static_cast<CapabilitySet>(random.Below(16) & random.Below(16)),
        .preferred = static_cast<CapabilitySet>(random.Below(16)),
        .context_window_tokens_min =
            static_cast<int64_t>(2000 * random.Below(5)),
        .cost_tier_max = DrawTier(random),
        .reasoning_required = random.Below(4) == 0};
    const ModelPolicy* best = BestForNode(table, node);
    found += best != nullptr;
    for (const ModelPolicy& policy : table.policies()) {
      if (!ShortfallOf(policy, WantedBy(node)).none()) {
        ASSERT_NE(best, &policy);
        continue;
      }
      ASSERT_NE(best, nullptr);
      ASSERT_GE(NodeScore(*best, node), NodeScore(policy, node));
      if (&policy < best) {
        ASSERT_GT(NodeScore(*best, node), NodeScore(policy, node));
      }
    }
  }
  EXPECT_GT(found, 3000);
  EXPECT_LT(found, 17'000);
}

}  // namespace
}  // namespace gateway
