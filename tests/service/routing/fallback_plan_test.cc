#include "service/routing/fallback_plan.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

using Targets = std::vector<RouteTarget>;

// All are ready; some fail their probes.
class ProbedHealth final : public TargetHealth {
 public:
  ProviderState StateOf(std::string_view) const override {
    return ProviderState::kReady;
  }
  std::string_view NameOf(std::string_view provider) const override {
    return provider;
  }
  TargetLoad LoadOf(std::string_view provider,
                    std::string_view) const override {
    return {.avoided = failing.contains(provider)};
  }

  std::set<std::string, std::less<>> failing;
};

class FallbackPlanTest : public testing::Test {
 protected:
  FallbackPlanTest() { Start(); }

  // Begins a call that asks for the model `m`.
  void Start() {
    considered_.clear();
    order_ = GroupOrder(group_);
    plan_.emplace(order_, rule_, common_, "m", &health_, &considered_);
  }

  std::string_view Lacks(const RouteTarget& target) const {
    return lacking_.contains(std::string(target.provider)) ? "no tools" : "";
  }

  // "provider/model (reason)", or "-" for none.
  std::string Text(const std::optional<FallbackStep>& step) const {
    if (!step.has_value()) return "-";
    std::string text(step->target.provider);
    text.append("/").append(step->target.model);
    return text.append(" (").append(step->reason).append(")");
  }

  std::string First() {
    return Text(plan_->First(
        [this](const RouteTarget& target) { return Lacks(target); }));
  }

  std::string Next(FailureKind failure) {
    return Text(plan_->Next(
        failure, [this](const RouteTarget& target) { return Lacks(target); }));
  }

  // "provider/model: outcome".
  std::vector<std::string> Considered() const {
    std::vector<std::string> texts;
    for (const ConsideredFallback& one : considered_) {
      std::string text(one.target.provider);
      text.append("/").append(one.target.model);
      texts.push_back(text + ": " + one.outcome);
    }
    return texts;
  }

  Targets group_ = {{"a", "m"}, {"b", "m"}};
  GroupOrder order_;
  Targets rule_any_ = {{"c", "m2"}};
  Targets rule_limited_ = {{"d", "m"}};
  Targets rule_long_ = {{"e", "long"}};
  Targets rule_refused_ = {{"f", "bold"}};
  Targets common_any_ = {{"g", "m2"}};
  Targets common_limited_ = {{"h", "m"}};
  Targets common_long_ = {{"i", "long"}};
  Targets common_refused_ = {{"j", "bold"}};
  FallbackChain rule_{rule_any_, rule_limited_, rule_long_, rule_refused_};
  FallbackChain common_{common_any_, common_limited_, common_long_,
                        common_refused_};
  std::set<std::string> lacking_;
  ProbedHealth health_;
  std::vector<ConsideredFallback> considered_;
  std::optional<FallbackPlan> plan_;
};

TEST_F(FallbackPlanTest, TheGroupComesFirstThenTheRuleThenWhatIsCommon) {
  EXPECT_EQ(First(), "a/m (target of the name)");
  EXPECT_EQ(Next(FailureKind::kOther), "b/m (target of the name)");
  EXPECT_EQ(Next(FailureKind::kOther), "c/m2 (fallback of the rule)");
  EXPECT_EQ(Next(FailureKind::kOther), "g/m2 (common fallback)");
  EXPECT_EQ(Next(FailureKind::kOther), "-");
  EXPECT_EQ(plan_->asked_count(), 4u);
}

TEST_F(FallbackPlanTest, ARateLimitHasFallbacksOfItsOwnBehindTheGroup) {
  EXPECT_EQ(First(), "a/m (target of the name)");
  EXPECT_EQ(Next(FailureKind::kRateLimit), "b/m (target of the name)");
  EXPECT_EQ(Next(FailureKind::kRateLimit),
            "d/m (rate_limit fallback of the rule)");
  EXPECT_EQ(Next(FailureKind::kRateLimit), "h/m (common rate_limit fallback)");
  EXPECT_EQ(Next(FailureKind::kRateLimit), "c/m2 (fallback of the rule)");
  EXPECT_EQ(Next(FailureKind::kRateLimit), "g/m2 (common fallback)");
  EXPECT_EQ(Next(FailureKind::kRateLimit), "-");
}

TEST_F(FallbackPlanTest, APromptThatIsTooLongGoesToModelsThatTakeIt) {
  group_ = {{"a", "m"}, {"b", "m"}, {"b", "m-large"}};
  Start();
  First();
  EXPECT_EQ(Next(FailureKind::kContextLength),
            "e/long (context_length fallback of the rule)");
  // It stays too long, whatever comes after.
  EXPECT_EQ(Next(FailureKind::kOther),
            "i/long (common context_length fallback)");
  EXPECT_EQ(Next(FailureKind::kOther), "b/m-large (target of the name)");
  EXPECT_EQ(Next(FailureKind::kRateLimit), "c/m2 (fallback of the rule)");
  EXPECT_EQ(Next(FailureKind::kOther), "g/m2 (common fallback)");
  EXPECT_EQ(Next(FailureKind::kRateLimit), "-");
  EXPECT_THAT(Considered(),
              Contains("b/m: the prompt was too long for this model"));
}

TEST_F(FallbackPlanTest, EachModelThatWasTooSmallIsLeftOut) {
  common_long_ = {{"k", "long"}, {"k", "longest"}};
  common_.context_length = common_long_;
  Start();
  First();
  EXPECT_EQ(Next(FailureKind::kContextLength),
            "e/long (context_length fallback of the rule)");
  EXPECT_EQ(Next(FailureKind::kContextLength),
            "k/longest (common context_length fallback)");
}

TEST_F(FallbackPlanTest, WhatWasRefusedGoesOnlyWhereTheConfigurationSaysSo) {
  First();
  EXPECT_EQ(Next(FailureKind::kContentPolicy),
            "f/bold (content_policy fallback of the rule)");
  EXPECT_EQ(Next(FailureKind::kOther),
            "j/bold (common content_policy fallback)");
  EXPECT_EQ(Next(FailureKind::kRateLimit), "-");
  rule_.content_policy = common_.content_policy = {};
  Start();
  First();
  EXPECT_EQ(Next(FailureKind::kContentPolicy), "-");
  EXPECT_EQ(Next(FailureKind::kOther), "-");
}

TEST_F(FallbackPlanTest, NobodyIsAskedTwiceForAModel) {
  rule_any_ = {{"b", "m"}, {"a", "m"}, {"a", "m2"}, {"a", "m2"}};
  rule_.any = rule_any_;
  common_any_ = {{"a", "m2"}, {"a", "m"}};
  common_.any = common_any_;
  Start();
  EXPECT_EQ(First(), "a/m (target of the name)");
  EXPECT_EQ(Next(FailureKind::kOther), "b/m (target of the name)");
  EXPECT_EQ(Next(FailureKind::kOther), "a/m2 (fallback of the rule)");
  EXPECT_EQ(Next(FailureKind::kOther), "-");
}

// Seed 004: an agent's rule says azure, the chain is anthropic, azure,
// deepseek.
TEST_F(FallbackPlanTest, AChainOfProvidersIsTheChainWithoutTheFirst) {
  group_ = {{"azure", "gpt-5.1-codex-mini"}};
  rule_ = {};
  common_any_ = {{"anthropic", ""}, {"azure", ""}, {"deepseek", ""}};
  common_ = {.any = common_any_};
  Start();
  EXPECT_EQ(First(), "azure/gpt-5.1-codex-mini (target of the name)");
  EXPECT_EQ(Next(FailureKind::kOther), "anthropic/m (common fallback)");
  EXPECT_EQ(Next(FailureKind::kOther), "deepseek/m (common fallback)");
  EXPECT_EQ(Next(FailureKind::kOther), "-");
}

TEST_F(FallbackPlanTest, WhoLacksWhatIsNeededIsPassedOverAndItIsSaid) {
  lacking_ = {"a", "c"};
  EXPECT_EQ(First(), "b/m (target of the name)");
  EXPECT_EQ(Next(FailureKind::kOther), "g/m2 (common fallback)");
  EXPECT_THAT(Considered(), ElementsAre("a/m: no tools", "b/m: chosen",
                                        "a/m: no tools", "b/m: asked already",
                                        "c/m2: no tools", "g/m2: chosen"));
  EXPECT_EQ(considered_[0].source, "target of the name");
}

TEST_F(FallbackPlanTest, IfTheWholeGroupLacksItAChainIsAskedFirst) {
  lacking_ = {"a", "b"};
  EXPECT_EQ(First(), "c/m2 (fallback of the rule)");
  lacking_ = {"a", "b", "c", "g"};
  Start();
  EXPECT_EQ(First(), "-");
  EXPECT_EQ(plan_->asked_count(), 0u);
}

TEST_F(FallbackPlanTest, BehindTheFirstThereAreSixteenAtMost) {
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) names.push_back("p" + std::to_string(i));
  group_.clear();
  for (const std::string& name : names) group_.push_back({name, "m"});
  Start();
  EXPECT_EQ(First(), "p0/m (target of the name)");
  for (size_t i = 1; i <= FallbackPlan::kFallbacksMax; ++i) {
    EXPECT_EQ(Next(FailureKind::kOther),
              "p" + std::to_string(i) + "/m (target of the name)");
  }
  EXPECT_EQ(Next(FailureKind::kOther), "-");
  EXPECT_EQ(Considered().back(), "g/m2: behind the limit of 16 fallbacks");
}

TEST_F(FallbackPlanTest, WhoFailsProbesComesLastOfItsChain) {
  rule_any_ = {{"dead", "m2"}, {"c", "m2"}, {"dead", "m3"}, {"k", "m2"}};
  rule_.any = rule_any_;
  health_.failing = {"dead"};
  Start();
  First();
  Next(FailureKind::kOther);
  EXPECT_TRUE(plan_.has_value());
  for (const char* expected : {"c/m2", "k/m2", "dead/m2", "dead/m3"}) {
    EXPECT_EQ(Next(FailureKind::kOther),
              std::string(expected) + " (fallback of the rule)");
  }
  EXPECT_EQ(Next(FailureKind::kOther), "g/m2 (common fallback)");
  // What it lacks comes before where it stands.
  lacking_ = {"c", "k"};
  Start();
  First();
  Next(FailureKind::kOther);
  EXPECT_EQ(Next(FailureKind::kOther), "dead/m2 (fallback of the rule)");
  EXPECT_THAT(Considered(), Contains("c/m2: no tools"));
}

TEST_F(FallbackPlanTest, StepsNeedNotBeKept) {
  GroupOrder no_group;
  FallbackPlan plan(no_group, rule_, {}, "m");
  const auto lacks = [](const RouteTarget&) { return ""; };
  EXPECT_EQ(Text(plan.First(lacks)), "c/m2 (fallback of the rule)");
  EXPECT_EQ(Text(plan.Next(FailureKind::kOther, lacks)), "-");
  FallbackPlan nobody(no_group, {}, {}, "m");
  EXPECT_EQ(Text(nobody.First(lacks)), "-");
}

// The table of the header, spelled out.
Targets InOrder(const Targets& group, const FallbackChain& rule,
                const FallbackChain& common, FailureKind last, bool too_long,
                bool refused) {
  Targets all;
  const auto add = [&all](absl::Span<const RouteTarget> targets) {
    all.insert(all.end(), targets.begin(), targets.end());
  };
  if (refused) {
    add(rule.content_policy);
    add(common.content_policy);
    return all;
  }
  if (too_long) {
    add(rule.context_length);
    add(common.context_length);
  }
  add(group);
  if (last == FailureKind::kRateLimit) {
    add(rule.rate_limit);
    add(common.rate_limit);
  }
  add(rule.any);
  add(common.any);
  return all;
}

TEST_F(FallbackPlanTest, AgreesWithTheTable) {
  FakeRandom random{4};
  static constexpr std::string_view kProviders[] = {"a", "b", "c", "d"};
  static constexpr std::string_view kModels[] = {"m", "n", "o", "p", "q"};
  const auto draw = [&random] {
    Targets targets;
    for (uint64_t i = random.Below(6); i > 0; --i) {
      targets.push_back(
          {kProviders[random.Below(4)], kModels[random.Below(5)]});
    }
    return targets;
  };
  int steps = 0;
  for (int round = 0; round < 3'000; ++round) {
    const Targets parts[] = {draw(), draw(), draw(), draw(), draw(),
                             draw(), draw(), draw(), draw()};
    const FallbackChain rule{parts[1], parts[2], parts[3], parts[4]};
    const FallbackChain common{parts[5], parts[6], parts[7], parts[8]};
    const std::string_view lacking = kModels[random.Below(5)];
    const auto lacks = [&](const RouteTarget& target) {
      return target.model == lacking ? "too dull" : "";
    };
    GroupOrder group(parts[0]);
    FallbackPlan plan(group, rule, common, "m");
    Targets asked;
    std::set<std::string_view> too_small;
    bool refused = false;
    auto failure = FailureKind::kOther;
    for (;;) {
      const std::optional<FallbackStep> step =
          asked.empty() ? plan.First(lacks) : plan.Next(failure, lacks);
      std::optional<RouteTarget> expected;
      for (const RouteTarget& target : InOrder(parts[0], rule, common, failure,
                                               !too_small.empty(), refused)) {
        if (target.model == lacking || too_small.contains(target.model) ||
            std::find(asked.begin(), asked.end(), target) != asked.end()) {
          continue;
        }
        expected = target;
        break;
      }
      if (asked.size() > FallbackPlan::kFallbacksMax) expected.reset();
      ASSERT_EQ(step.has_value(), expected.has_value()) << "round " << round;
      if (!step.has_value()) break;
      ASSERT_EQ(step->target, *expected) << "round " << round;
      asked.push_back(step->target);
      ++steps;
      failure =
          static_cast<FailureKind>(random.Below(16) == 0  ? 3
                                   : random.Below(5) == 0 ? 2
                                                          : random.Below(2));
      if (failure == FailureKind::kContentPolicy) refused = true;
      if (failure == FailureKind::kContextLength) {
        too_small.insert(step->target.model);
      }
    }
  }
  EXPECT_GT(steps, 10'000);
}

}  // namespace
}  // namespace gateway
