#include "service/routing/router.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "service/routing/target_health.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FakeHealth final : public TargetHealth {
 public:
  ProviderState StateOf(std::string_view provider) const override {
    const auto found = states_.find(provider);
    return found == states_.end() ? ProviderState::kUnknown : found->second;
  }
  std::string_view NameOf(std::string_view provider) const override {
    return states_.find(provider)->first;
  }

  void Set(const std::string& provider, ProviderState state) {
    states_[provider] = state;
  }

 private:
  std::map<std::string, ProviderState, std::less<>> states_;
};

// Providers a, b and c are ready; `keyless` lacks its credential.
class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (const char* name : {"a", "b", "c"}) {
      health_.Set(name, ProviderState::kReady);
    }
    health_.Set("keyless", ProviderState::kNoCredential);
  }

  void Configure(const std::string& routing) {
    llmgateway::config::v1::RoutingConfig config;
    ASSERT_TRUE(
        google::protobuf::TextFormat::ParseFromString(routing, &config));
    router_ = std::make_unique<Router>(config, health_);
  }

  // "provider/model reason", or the fault's reason and message.
  std::string Plan(std::string_view model, std::string_view provider = "") {
    steps_.clear();
    std::vector<RouteStep> steps;
    absl::StatusOr<RoutePlan> plan =
        router_->Plan(Query(model, provider), random_, &steps);
    for (const RouteStep& step : steps) {
      steps_.push_back(step.rule + ": " + step.outcome);
    }
    // Asking for the steps must not change the plan.
    const absl::StatusOr<RoutePlan> again =
        router_->Plan(Query(model, provider), random_);
    EXPECT_EQ(again.status(), plan.status());
    if (!plan.ok()) {
      status_ = plan.status();
      return std::string(ReasonName(FaultReason(plan.status())));
    }
    EXPECT_EQ(again->reason, plan->reason);
    const RouteTarget& first = *plan->targets.At(0);
    std::string text(first.provider);
    text.append("/").append(first.model);
    return text.append(" ").append(plan->reason);
  }

  RouteQuery Query(std::string_view model, std::string_view provider) const {
    return {.model = model,
            .provider = provider,
            .agent_type = agent_type_,
            .domain_tags = tags_,
            .prompt = prompt_};
  }

  FakeHealth health_;
  FakeRandom random_{1};
  std::unique_ptr<Router> router_;
  // Of the next query.
  std::string agent_type_;
  std::vector<std::string_view> tags_;
  const absl::FunctionRef<PromptTexts()>* prompt_ = nullptr;
  std::vector<std::string> steps_;
  absl::Status status_;
};

constexpr char kRules[] = R"(
  model_rules { alias: "fast" targets { provider: "a" model: "a-mini" } }
  model_rules { exact: "b-large" targets { provider: "b" } }
  model_rules { prefix: "b-" targets { provider: "b" } }
  model_rules { glob: "*-large" targets { provider: "c" model: "c-large" } }
  default_target { provider: "c" }
)";

TEST_F(RouterTest, TheFirstRuleThatMatchesDecides) {
  Configure(kRules);
  EXPECT_EQ(Plan("fast"), "a/a-mini model_rule:fast");
  EXPECT_EQ(Plan("b-large"), "b/b-large model_rule:b-large");
  EXPECT_EQ(Plan("b-larger"), "b/b-larger model_rule:b-");
  EXPECT_EQ(Plan("x-large"), "c/c-large model_rule:*-large");
  EXPECT_EQ(Plan("x-small"), "c/x-small default");
}

TEST_F(RouterTest, ARequestWithoutAModelGoesWhereTheDefaultNamesOne) {
  Configure(R"(default_target { provider: "a" model: "a-mini" })");
  EXPECT_TRUE(router_->knows_default_model());
  EXPECT_EQ(Plan(""), "a/a-mini default");
  // It is the model of everything that goes there.
  EXPECT_EQ(Plan("x"), "a/a-mini default");
  EXPECT_EQ(Plan("", "b"), "INVALID_REQUEST");
  Configure(R"(default_target { provider: "keyless" model: "m" })");
  EXPECT_EQ(Plan(""), "MODEL_NOT_FOUND");
  Configure(R"(default_target { provider: "a" model: "m" } strict: true)");
  EXPECT_TRUE(router_->knows_default_model());
  EXPECT_EQ(Plan(""), "a/m default");
  // What no rule knows is refused all the same.
  EXPECT_EQ(Plan("x"), "MODEL_NOT_FOUND");
  Configure(R"(default_target { provider: "a" } strict: true)");
  EXPECT_FALSE(router_->knows_default_model());
  EXPECT_EQ(Plan(""), "INVALID_REQUEST");
  Configure(kRules);
  EXPECT_EQ(Plan(""), "INVALID_REQUEST");
}

TEST_F(RouterTest, AnExplicitProviderBeatsEveryRule) {
  Configure(kRules);
  EXPECT_EQ(Plan("b-large", "a"), "a/b-large explicit");
  EXPECT_THAT(steps_, ElementsAre("explicit: chosen"));
  // An alias belongs to the rules, and those were not asked.
  EXPECT_EQ(Plan("fast", "b"), "b/fast explicit");
}

TEST_F(RouterTest, TheExplicitNameLastsLongerThanTheCallers) {
  Configure(kRules);
  absl::StatusOr<RoutePlan> plan;
  {
    std::string name = "a";
    plan = router_->Plan({.model = "m", .provider = name}, random_);
    name = "?";
  }
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(plan->targets.At(0)->provider, "a");
}

TEST_F(RouterTest, AnExplicitProviderMustExistAndHaveItsCredential) {
  Configure(kRules);
  EXPECT_EQ(Plan("m", "nobody"), "PROVIDER_NOT_FOUND");
  EXPECT_EQ(FaultMetadata(status_, "provider"), "nobody");
  EXPECT_THAT(steps_, ElementsAre("explicit: no such provider"));
  EXPECT_EQ(Plan("m", "keyless"), "PROVIDER_AUTH_FAILED");
  EXPECT_EQ(FaultMetadata(status_, "provider"), "keyless");
  EXPECT_THAT(steps_, ElementsAre("explicit: no credential"));
}

TEST_F(RouterTest, RulesWithoutACredentialAreSkipped) {
  Configure(R"(
      model_rules { prefix: "m" targets { provider: "keyless" } }
      model_rules { prefix: "m" targets { provider: "gone" } }
      model_rules { prefix: "x" targets { provider: "a" } }
      model_rules { prefix: "m" targets { provider: "b" } })");
  EXPECT_EQ(Plan("m-1"), "b/m-1 model_rule:m");
  EXPECT_THAT(steps_, ElementsAre("model_rule:m: no credential",
                                  "model_rule:m: no such provider",
                                  "model_rule:x: no match",
                                  "model_rule:m: chosen"));
}

TEST_F(RouterTest, AModelWhoseRuleIsSkippedGoesToTheDefault) {
  Configure(R"(model_rules { prefix: "m" targets { provider: "keyless" } }
               default_target { provider: "a" })");
  EXPECT_EQ(Plan("m-1"), "a/m-1 default");
  EXPECT_THAT(steps_, ElementsAre("model_rule:m: no credential",
                                  "default: chosen"));
}

TEST_F(RouterTest, StrictRefusesWhatNoRuleKnows) {
  Configure(std::string(kRules) + "strict: true");
  EXPECT_EQ(Plan("b-large"), "b/b-large model_rule:b-large");
  EXPECT_EQ(Plan("unknown"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.message(),
            "model 'unknown' cannot be served: no rule knows it, and routing "
            "is strict");
  EXPECT_EQ(FaultMetadata(status_, "model"), "unknown");
  EXPECT_EQ(steps_.back(), "default: strict");
  // Whoever names the provider needs no rule.
  EXPECT_EQ(Plan("unknown", "a"), "a/unknown explicit");
}

TEST_F(RouterTest, SaysWhichCredentialIsMissing) {
  Configure(R"(model_rules { prefix: "m" targets { provider: "keyless" } })");
  EXPECT_EQ(Plan("m"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.message(),
            "model 'm' cannot be served: provider 'keyless' of its rule has "
            "no credential, and no default target is configured");
  Configure(R"(model_rules { prefix: "m" targets { provider: "keyless" } }
               strict: true)");
  EXPECT_EQ(Plan("m"), "MODEL_NOT_FOUND");
  EXPECT_THAT(std::string(status_.message()),
              HasSubstr("'keyless' of its rule has no credential, and routing "
                        "is strict"));
  Configure(R"(default_target { provider: "keyless" })");
  EXPECT_EQ(Plan("m"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.message(),
            "model 'm' cannot be served: no rule knows it, and the default "
            "provider 'keyless' has no credential");
  EXPECT_THAT(steps_, ElementsAre("default: no credential"));
}

TEST_F(RouterTest, WithoutRulesAndDefaultNothingCanBeServed) {
  Configure("");
  EXPECT_EQ(Plan("m"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(steps_, IsEmpty());
}

TEST_F(RouterTest, AModelMustBeNamed) {
  Configure(kRules);
  EXPECT_EQ(Plan(""), "INVALID_REQUEST");
  EXPECT_EQ(Plan("", "a"), "INVALID_REQUEST");
  EXPECT_EQ(FieldViolations(status_)[0].first, "model");
}

TEST_F(RouterTest, AgentsComeBeforeTagsAndTagsBeforeModels) {
  Configure(R"(
      agent_rules { agent_type: "Code-Reviewer" targets { provider: "a" } }
      domain_tag_rules { tag: "law" targets { provider: "b" model: "b-law" } }
      domain_tag_rules { tag: "code" targets { provider: "c" } }
      model_rules { prefix: "m" targets { provider: "c" } })");
  EXPECT_EQ(Plan("m"), "c/m model_rule:m");
  tags_ = {"code", "law"};
  // By the order of the rules, not of the tags.
  EXPECT_EQ(Plan("m"), "b/b-law domain_tag:law");
  EXPECT_EQ(Plan(""), "b/b-law domain_tag:law");
  agent_type_ = "code-REVIEWER";
  EXPECT_EQ(Plan("m"), "a/m agent_rule:code-reviewer");
  EXPECT_EQ(Plan("m", "b"), "b/m explicit");
  // Its rule names no model, the tag's does.
  EXPECT_EQ(Plan(""), "b/b-law domain_tag:law");
  EXPECT_THAT(steps_, ElementsAre("agent_rule:code-reviewer: names no model",
                                  "domain_tag:law: chosen"));
  agent_type_ = "nobody";
  tags_ = {"Law"};
  EXPECT_EQ(Plan("m"), "c/m model_rule:m");
}

// Seed 004's examples.
TEST_F(RouterTest, AgentsBeatTiersAndTiersTheDefault) {
  health_.Set("azure", ProviderState::kReady);
  health_.Set("anthropic", ProviderState::kReady);
  Configure(R"(
      agent_rules { agent_type: "code-reviewer" targets { provider: "azure" } }
      model_tier_rules { tier: "opus" contains: "opus"
                         targets { provider: "anthropic" } }
      model_tier_rules { tier: "sonnet" contains: "sonnet"
                         targets { provider: "anthropic" } }
      default_target { provider: "a" })");
  agent_type_ = "code-reviewer";
  EXPECT_EQ(Plan("claude-sonnet-4-5"),
            "azure/claude-sonnet-4-5 agent_rule:code-reviewer");
  agent_type_ = "";
  EXPECT_EQ(Plan("claude-opus-4-1"),
            "anthropic/claude-opus-4-1 model_tier:opus");
  EXPECT_EQ(Plan("some-unknown-model"), "a/some-unknown-model default");
}

TEST_F(RouterTest, ATierThatIsNamedNeedsARuleWithAModel) {
  Configure(R"(
      model_tier_rules { tier: "fast" targets { provider: "a" model: "mini" } }
      model_tier_rules { tier: "opus" contains: "opus"
                         targets { provider: "b" } }
      default_target { provider: "c" })");
  EXPECT_EQ(Plan("tier:fast"), "a/mini model_tier:fast");
  EXPECT_EQ(Plan("tier:FAST"), "a/mini model_tier:fast");
  EXPECT_EQ(Plan("my-opus"), "b/my-opus model_tier:opus");
  EXPECT_EQ(Plan("tier:opus"), "MODEL_NOT_FOUND");
  EXPECT_EQ(status_.message(),
            "tier 'opus' cannot be served: the targets of its rule, "
            "model_tier:opus, name no model");
  // The default has no say in what a tier means.
  EXPECT_EQ(Plan("tier:slow"), "MODEL_NOT_FOUND");
  EXPECT_THAT(std::string(status_.message()), HasSubstr("has none of this"));
  EXPECT_EQ(Plan("tier:fast", "a"), "INVALID_REQUEST");
  EXPECT_EQ(Plan("tier"), "c/tier default");
}

TEST_F(RouterTest, AnAgentIsInferredOnlyWhereNothingElseDecides) {
  Configure(R"(
      agent_rules { agent_type: "reviewer" targets { provider: "a" } }
      agent_inference {
        enabled: true
        agents { agent_type: "reviewer" phrases: "review this" }
      }
      model_rules { prefix: "m" targets { provider: "b" } }
      default_target { provider: "c" })");
  int asked = 0;
  const auto texts = [&asked] {
    ++asked;
    return PromptTexts{.system = {"Please REVIEW this."}, .user = {}};
  };
  const absl::FunctionRef<PromptTexts()> prompt = texts;
  prompt_ = &prompt;
  EXPECT_EQ(Plan("m"), "b/m model_rule:m");
  EXPECT_EQ(asked, 0);
  EXPECT_EQ(Plan("x"), "a/x inferred_agent:reviewer");
  EXPECT_GT(asked, 0);
  prompt_ = nullptr;
  EXPECT_EQ(Plan("x"), "c/x default");
}

TEST_F(RouterTest, TargetsOfOneRuleShareItsCalls) {
  Configure(R"(
      model_rules {
        prefix: "m" balancing: BALANCING_ROUND_ROBIN
        targets { provider: "a" }
        targets { provider: "keyless" }
        targets { provider: "b" model: "n" }
        targets { provider: "c" priority: 1 }
      })");
  std::vector<std::string> went;
  for (int i = 0; i < 4; ++i) {
    absl::StatusOr<RoutePlan> plan = router_->Plan({.model = "m"}, random_);
    ASSERT_TRUE(plan.ok());
    went.push_back(std::string(plan->targets.At(0)->provider) + "/" +
                   std::string(plan->targets.At(0)->model));
  }
  EXPECT_THAT(went, ElementsAre("a/m", "b/n", "a/m", "b/n"));
}

TEST_F(RouterTest, WhoAsksWhyTakesNoTurn) {
  Configure(R"(
      model_rules {
        prefix: "m" balancing: BALANCING_ROUND_ROBIN
        targets { provider: "a" } targets { provider: "b" }
      })");
  std::vector<RouteStep> steps;
  for (int i = 0; i < 3; ++i) {
    absl::StatusOr<RoutePlan> plan =
        router_->Plan({.model = "m"}, random_, &steps);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->targets.At(0)->provider, "a");
  }
  EXPECT_EQ(router_->Plan({.model = "m"}, random_)->targets.At(0)->provider,
            "a");
  EXPECT_EQ(router_->Plan({.model = "m"}, random_)->targets.At(0)->provider,
            "b");
}

TEST_F(RouterTest, WhatFallbacksAreAskedForIsNoTier) {
  Configure(R"(
      model_tier_rules { tier: "fast" targets { provider: "a" model: "mini" } }
      default_target { provider: "a" })");
  EXPECT_EQ(router_->Plan({.model = "m"}, random_)->model, "m");
  EXPECT_EQ(router_->Plan({.model = "tier:fast"}, random_)->model, "");
}

TEST_F(RouterTest, AfterATargetTheOthersOfItsRuleComeAndThenFallbacks) {
  Configure(R"(
      model_rules {
        prefix: "m" targets { provider: "a" }
        targets { provider: "b" priority: 1 }
      }
      model_rules {
        prefix: "o" targets { provider: "a" } fallbacks { provider: "b" }
      }
      fallbacks { provider: "keyless" }
      fallbacks { provider: "c" model: "last" })");
  absl::StatusOr<RoutePlan> plan = router_->Plan({.model = "m"}, random_);
  ASSERT_TRUE(plan.ok());
  EXPECT_EQ(*plan->targets.At(0), (RouteTarget{"a", "m"}));
  EXPECT_EQ(*plan->targets.At(1), (RouteTarget{"b", "m"}));
  EXPECT_EQ(plan->targets.At(2), nullptr);
  EXPECT_THAT(plan->rule.any, IsEmpty());
  EXPECT_THAT(plan->common.any, ElementsAre(RouteTarget{"c", "last"}));
  plan = router_->Plan({.model = "o"}, random_);
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->rule.any, ElementsAre(RouteTarget{"b", ""}));
  EXPECT_THAT(plan->common.any, IsEmpty());
  plan = router_->Plan({.model = "o", .provider = "a"}, random_);
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->rule.any, IsEmpty());
}

TEST_F(RouterTest, FailuresOfSomeKindsHaveFallbacksOfTheirOwn) {
  Configure(R"(
      default_target { provider: "a" }
      failure_fallbacks {
        context_length { provider: "b" model: "long" }
        content_policy { provider: "c" }
        rate_limit { provider: "b" }
      })");
  absl::StatusOr<RoutePlan> plan = router_->Plan({.model = "m"}, random_);
  ASSERT_TRUE(plan.ok());
  EXPECT_THAT(plan->common.any, IsEmpty());
  EXPECT_THAT(plan->common.context_length,
              ElementsAre(RouteTarget{"b", "long"}));
  EXPECT_THAT(plan->common.content_policy, ElementsAre(RouteTarget{"c", ""}));
  EXPECT_THAT(plan->common.rate_limit, ElementsAre(RouteTarget{"b", ""}));
}

}  // namespace
}  // namespace gateway
