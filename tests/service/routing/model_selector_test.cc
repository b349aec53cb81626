#include "service/routing/model_selector.h"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "service/routing/router.h"
#include "service/routing/selection/node_overrides.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Providers are ready unless a test says otherwise.
class SelectorHealth final : public TargetHealth {
 public:
  ProviderState StateOf(std::string_view provider) const override {
    return provider == "keyless" ? ProviderState::kNoCredential
                                 : ProviderState::kReady;
  }
  std::string_view NameOf(std::string_view provider) const override {
    return provider;
  }
  TargetLoad LoadOf(std::string_view, std::string_view model) const override {
    const bool is_out = out_of_use.contains(model);
    return {.usable = resting != model && !is_out,
            .out_of_use = is_out,
            .avoided = failing_probes.contains(model)};
  }

  std::string resting;
  std::set<std::string, std::less<>> out_of_use;
  std::set<std::string, std::less<>> failing_probes;
};

// `cheap` and `dear` can write, `clever` reasons, `keyless` can do all.
constexpr char kSelectionRules[] = R"pb(
  agent_rules {
    agent_type: "reviewer"
    targets { provider: "a" model: "review" }
  }
  model_rules {
    prefix: ""
    targets { provider: "a" }
  }
  fallbacks { provider: "a" model: "common" }
  selection {
    default_strategy: SELECTION_STRATEGY_COST_OPTIMIZED
    policies {
      id: "dear"
      target { provider: "a" model: "a-dear" }
      capabilities: "creative_writing"
      cost_tier: COST_TIER_HIGH
      context_window_tokens: 8000
      admin_overridable: true
    }
    policies {
      id: "cheap"
      target { provider: "a" model: "a-cheap" }
      capabilities: "creative_writing"
      cost_tier: COST_TIER_LOW
      context_window_tokens: 8000
      fallback_models: "dear"
      admin_overridable: true
    }
    policies {
      id: "clever"
      target { provider: "b" model: "b-clever" }
      capabilities: "reasoning"
      cost_tier: COST_TIER_MEDIUM
      context_window_tokens: 8000
      admin_overridable: true
    }
    policies {
      id: "keyless"
      target { provider: "keyless" model: "k" }
      capabilities: [ "creative_writing", "reasoning", "vision" ]
      cost_tier: COST_TIER_LOW
      context_window_tokens: 8000
      admin_overridable: true
    }
    nodes {
      name: "writer"
      required_capabilities: "creative_writing"
      context_window_tokens_min: 4000
      cost_tier_max: COST_TIER_HIGH
    }
  }
)pb";

class ModelSelectorTest : public testing::Test {
 protected:
  ModelSelectorTest() { Configure(/*has_fallbacks=*/true); }

  void Configure(bool has_fallbacks) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(kSelectionRules,
                                                              &config_));
    config_.mutable_selection()->set_fallback_enabled(has_fallbacks);
    router_ = std::make_unique<Router>(config_, health_, state_);
    asked_.strategy = router_->selector().default_strategy();
  }

  void Give(const std::string& node, const std::string& model,
            absl::Time expire_time = absl::InfiniteFuture()) {
    ASSERT_TRUE(
        state_->overrides
            .Set(router_->selector().table(), {.node = node,
                                               .model = model,
                                               .set_time = kNow,
                                               .expire_time = expire_time})
            .ok());
  }

  // "provider/model reason", or the fault's reason.
  std::string Plan(std::string_view agent = "", std::string_view provider = "",
                   absl::Time now = kNow) {
    steps_.clear();
    const TargetLacks lacks = lacks_;
    const RouteQuery query = {.model = "m",
                              .provider = provider,
                              .agent_type = agent,
                              .selection = &asked_,
                              .lacks = &lacks,
                              .now = now};
    std::vector<RouteStep> steps;
    plan_ = router_->Plan(query, random_, &steps);
    for (const RouteStep& step : steps) {
      steps_.push_back(step.rule + ": " + step.outcome);
    }
    // Asking for the steps must not change the plan.
    EXPECT_EQ(router_->Plan(query, random_).status(), plan_.status());
    if (!plan_.ok()) {
      return std::string(ReasonName(FaultReason(plan_.status())));
    }
    const RouteTarget& first = *plan_->targets.At(0);
    std::string text(first.provider);
    return text.append("/")
        .append(first.model)
        .append(" ")
        .append(plan_->reason);
  }

  SelectorHealth health_;
  // Its names of providers are those of the plans.
  llmgateway::config::v1::RoutingConfig config_;
  FakeRandom random_{1};
  std::shared_ptr<SelectionState> state_ = std::make_shared<SelectionState>(1);
  std::unique_ptr<Router> router_;
  SelectionQuery asked_;
  std::function<std::string(const RouteTarget&)> lacks_ =
      [](const RouteTarget&) { return std::string(); };
  absl::StatusOr<RoutePlan> plan_;
  std::vector<std::string> steps_;
};

TEST_F(ModelSelectorTest, ANodeGetsAModelThatHasAllAndCanBeAsked) {
  asked_.node = "writer";
  EXPECT_EQ(Plan(), "a/a-cheap selection:cost_optimized");
  EXPECT_EQ(plan_->selection->result.model->id, "cheap");
  EXPECT_THAT(plan_->rule.any, ElementsAre(RouteTarget{"a", "a-dear"}));
  // Those common to all might lack what was asked for.
  EXPECT_TRUE(plan_->common.any.empty());
  EXPECT_THAT(steps_, ElementsAre("policy:dear: qualifies; score 50.0",
                                  "policy:cheap: qualifies; score 100.0",
                                  "policy:clever: lacks creative_writing",
                                  "policy:keyless: no credential",
                                  "selection:cost_optimized: chosen"));
}

TEST_F(ModelSelectorTest, WithoutFallbacksNobodyElseIsAsked) {
  Configure(/*has_fallbacks=*/false);
  asked_.node = "writer";
  EXPECT_EQ(Plan(), "a/a-cheap selection:cost_optimized");
  EXPECT_TRUE(plan_->rule.any.empty());
  EXPECT_TRUE(plan_->selection->result.fallback_chain.empty());
  // Who else qualified is told all the same.
  EXPECT_EQ(plan_->selection->result.alternatives.size(), 1u);
  Give("writer", "cheap");  // Whose own fallback is `dear`.
  EXPECT_EQ(Plan(), "a/a-cheap override:writer");
  EXPECT_TRUE(plan_->rule.any.empty());
}

TEST_F(ModelSelectorTest, WhoeverNamesTheProviderChoosesForHimself) {
  asked_.node = "writer";
  Give("writer", "clever");
  EXPECT_EQ(Plan("reviewer", "b"), "b/m explicit");
}

TEST_F(ModelSelectorTest, WhatTheCallNamesIsHandedOnWhereNoSelectionChooses) {
  asked_.capabilities = kCapabilityReasoning;
  EXPECT_EQ(Plan("reviewer"), "a/review agent_rule:reviewer");
  EXPECT_EQ(plan_->named_capabilities, kCapabilityReasoning);
  EXPECT_EQ(Plan("reviewer", "b"), "b/m explicit");
  EXPECT_EQ(plan_->named_capabilities, kCapabilityReasoning);
  // What is selected has it.
  EXPECT_EQ(Plan(), "b/b-clever selection:cost_optimized");
  EXPECT_EQ(plan_->named_capabilities, 0u);
  asked_.capabilities = 0;
  asked_.node = "writer";
  EXPECT_EQ(Plan("reviewer"), "a/review agent_rule:reviewer");
  EXPECT_EQ(plan_->named_capabilities, 0u);
}

TEST_F(ModelSelectorTest, OverridesComeBeforeAgentsAndThoseBeforeSelection) {
  asked_.node = "writer";
  EXPECT_EQ(Plan("reviewer"), "a/review agent_rule:reviewer");
  EXPECT_EQ(plan_->selection, nullptr);
  Give("writer", "clever", kNow + absl::Hours(1));
  EXPECT_EQ(Plan("reviewer"), "b/b-clever override:writer");
  EXPECT_EQ(plan_->selection->result.basis, SelectionBasis::kOverride);
  EXPECT_EQ(Plan("", "", kNow + absl::Hours(1)),
            "a/a-cheap selection:cost_optimized");
  // It has its own fallbacks.
  Give("writer", "cheap");
  EXPECT_EQ(Plan(), "a/a-cheap override:writer");
  EXPECT_THAT(plan_->rule.any, ElementsAre(RouteTarget{"a", "a-dear"}));
}

TEST_F(ModelSelectorTest, AnOverrideThatCannotServeIsPassedOver) {
  asked_.node = "writer";
  Give("writer", "keyless");
  EXPECT_EQ(Plan(), "a/a-cheap selection:cost_optimized");
  EXPECT_EQ(steps_[0], "override:writer: the node's override: no credential");
}

TEST_F(ModelSelectorTest, NothingBehindASelectionIsLookedAt) {
  asked_.capabilities = kCapabilityWebSearch;
  EXPECT_EQ(Plan(), "CAPABILITY_UNSUPPORTED");
  EXPECT_THAT(std::string(plan_.status().message()),
              HasSubstr("clever (lacks web_search)"));
  EXPECT_EQ(steps_.back(), "selection:cost_optimized: no model qualifies");
  asked_.capabilities = kCapabilityVision;
  EXPECT_EQ(Plan(), "PROVIDER_UNAVAILABLE");
}

TEST_F(ModelSelectorTest, AModelThatRestsIsChosenOnlyIfThereIsNoOther) {
  asked_.node = "writer";
  health_.resting = "a-cheap";
  EXPECT_EQ(Plan(), "a/a-dear selection:cost_optimized");
  health_.resting = "b-clever";
  asked_.node = "";
  asked_.capabilities = kCapabilityReasoning;
  EXPECT_EQ(Plan(), "b/b-clever selection:cost_optimized");
  // So is one that an operator has given.
  asked_ = {.node = "other", .strategy = asked_.strategy};
  asked_.capabilities = kCapabilityReasoning;
  Give("other", "clever");
  EXPECT_EQ(Plan(), "b/b-clever override:other");
}

TEST_F(ModelSelectorTest, AModelWhoseProviderFailsProbesIsAskedLast) {
  asked_.node = "writer";
  health_.failing_probes = {"a-cheap"};
  EXPECT_EQ(Plan(), "a/a-dear selection:cost_optimized");
  EXPECT_EQ(steps_[0], "policy:dear: qualifies; score 50.0");
  EXPECT_EQ(steps_[1],
            "policy:cheap: comes last: its probes fail; score 100.0");
  ASSERT_EQ(plan_->rule.any.size(), 1u);
  EXPECT_EQ(plan_->rule.any[0].model, "a-cheap");
  // Before one that may not be asked at all, and as if nothing were wrong where
  // it is the only one, or has been given.
  health_.resting = "a-dear";
  EXPECT_EQ(Plan(), "a/a-cheap selection:cost_optimized");
  health_.resting = "";
  Give("writer", "cheap");
  EXPECT_EQ(Plan(), "a/a-cheap override:writer");
  asked_.node = "";
  asked_.capabilities = kCapabilityReasoning;
  health_.failing_probes = {"b-clever"};
  EXPECT_EQ(Plan(), "b/b-clever selection:cost_optimized");
  // What the request needs and it lacks comes before that.
  lacks_ = [](const RouteTarget&) { return "does not take images"; };
  EXPECT_EQ(Plan(), "PROVIDER_UNAVAILABLE");
  EXPECT_EQ(steps_[2], "policy:clever: does not take images");
}

// Whoever is chosen says until when, and nobody knows when somebody acts.
TEST_F(ModelSelectorTest, AModelThatIsOutOfUseIsChosenOnlyIfAllAre) {
  asked_.node = "writer";
  health_.resting = "a-dear";
  health_.out_of_use = {"a-cheap"};
  EXPECT_EQ(Plan(), "a/a-dear selection:cost_optimized");
  // So is one that an operator has given.
  Give("writer", "cheap");
  EXPECT_EQ(Plan(), "a/a-dear selection:cost_optimized");
  EXPECT_EQ(steps_[0],
            "override:writer: the node's override: is disabled, or its circuit "
            "is forced open");
  health_.out_of_use = {"a-cheap", "a-dear"};
  EXPECT_EQ(Plan(), "a/a-cheap override:writer");
}

TEST_F(ModelSelectorTest, AModelThatLacksWhatTheRequestNeedsIsNotChosen) {
  asked_.node = "writer";
  lacks_ = [](const RouteTarget& target) {
    return target.model == "a-cheap" ? std::string("does not take images")
                                     : std::string();
  };
  EXPECT_EQ(Plan(), "a/a-dear selection:cost_optimized");
  EXPECT_EQ(steps_[1], "policy:cheap: does not take images");
  lacks_ = [](const RouteTarget&) { return "does not take images"; };
  // One that has no credential might.
  EXPECT_EQ(Plan(), "PROVIDER_UNAVAILABLE");
  asked_.cost_tier_max = CostTier::kLow;
  asked_.strategy = SelectionStrategy::kCapabilityStrict;
  asked_.capabilities = kCapabilityWebSearch;
  EXPECT_EQ(Plan(), "CAPABILITY_UNSUPPORTED");
}

TEST_F(ModelSelectorTest, HowCallsWentCounts) {
  asked_.strategy = SelectionStrategy::kPerformanceOptimized;
  asked_.node = "writer";
  EXPECT_EQ(Plan(), "a/a-dear selection:performance_optimized");
  PerformanceHistory& cheap = *state_->performance.HistoryOf("cheap");
  cheap.Record(0, {.succeeded = true, .latency = absl::Milliseconds(10)}, kNow);
  EXPECT_EQ(Plan("", "", kNow + absl::Seconds(1)),
            "a/a-cheap selection:performance_optimized");
  EXPECT_EQ(
      (*router_->selector().Performance(kNow + absl::Seconds(1)))[1].successes,
      1);
}

TEST_F(ModelSelectorTest, WithoutPoliciesNothingCanBeSelected) {
  const Router router({}, health_);
  const absl::Status status =
      router.Plan({.selection = &asked_, .now = kNow}, random_).status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("no model policy is configured"));
}

}  // namespace
}  // namespace gateway
