#include "service/api/route_view.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/provider_policy.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/credential_pool.h"
#include "service/resilience/target_board.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kRoutesYaml[] =
    "providers:\n"
    "- {name: openai, openai: {api_key: 'env:OPENAI_KEY'}}\n"
    "- {name: absent, anthropic: {api_key: 'env:ANTHROPIC_KEY'}}\n"
    "- {name: mock, model_aliases: {spare: mock-model}, mock: {}}\n"
    "routing:\n"
    "  model_rules:\n"
    "  - {prefix: 'gpt-', targets: [openai]}\n"
    "  - {prefix: 'claude-', targets: [absent]}\n"
    "  - {exact: 'claude-test', targets: [mock]}\n"
    "  - {alias: 'fast', targets: [openai/gpt-5-mini]}\n";

void Ask(const std::shared_ptr<const RuntimeSnapshot>& runtime,
         const v1::GenerateRequest& request, std::string_view caller,
         v1::ExplainRouteResponse* response) {
  LoopRunner runner;
  UnaskedCall call(runtime, runner.loop());
  call.Take(request);
  Caller who;
  who.id = std::string(caller);
  ExplainRoute(call, who, response);
}

v1::ExplainRouteResponse Explain(const std::string& more_yaml,
                                 const std::string& model,
                                 const std::string& provider = "") {
  const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(
      absl::StrCat(kRoutesYaml, more_yaml), {{"OPENAI_KEY", "sk-0123456789"}});
  v1::GenerateRequest request;
  request.set_model(model);
  request.set_provider_id(provider);
  v1::ExplainRouteResponse response;
  Ask(runtime, request, "", &response);
  return response;
}

// `rule>provider:verdict(detail)` for each step, with spaces between.
std::string Steps(const v1::ExplainRouteResponse& response) {
  std::string text;
  for (const v1::RouteStep& step : response.steps()) {
    absl::StrAppend(&text, text.empty() ? "" : " ", step.rule(), ">",
                    step.targets(0).provider(), ":");
    switch (step.verdict()) {
      case v1::RouteStep::VERDICT_CHOSEN:
        absl::StrAppend(&text, "chosen");
        break;
      case v1::RouteStep::VERDICT_NO_MATCH:
        absl::StrAppend(&text, "no");
        break;
      case v1::RouteStep::VERDICT_SKIPPED:
        absl::StrAppend(&text, "skipped(", step.detail(), ")");
        break;
      default:
        absl::StrAppend(&text, "?");
    }
  }
  return text;
}

TEST(RouteViewTest, TheFirstRuleThatMatchesDecides) {
  const v1::ExplainRouteResponse response = Explain("", "gpt-5");
  EXPECT_EQ(response.route().provider(), "openai");
  EXPECT_EQ(response.route().model(), "gpt-5");
  EXPECT_EQ(response.route().reason(), "model_rule:gpt-");
  EXPECT_EQ(Steps(response), "model_rule:gpt->openai:chosen");
  EXPECT_EQ(response.failure(), v1::ERROR_REASON_UNSPECIFIED);
}

TEST(RouteViewTest, ARuleWhoseProviderHasNoCredentialIsSkipped) {
  const v1::ExplainRouteResponse response = Explain("", "claude-test");
  EXPECT_EQ(response.route().provider(), "mock");
  EXPECT_EQ(Steps(response),
            "model_rule:gpt->openai:no "
            "model_rule:claude->absent:skipped(no credential) "
            "model_rule:claude-test>mock:chosen");
}

TEST(RouteViewTest, TheModelIsTheOneThatTheProviderIsAskedFor) {
  const v1::ExplainRouteResponse fast = Explain("", "fast");
  EXPECT_EQ(fast.route().model(), "gpt-5-mini");
  ASSERT_EQ(fast.steps(3).targets_size(), 1);
  EXPECT_EQ(fast.steps(3).targets(0).model(), "gpt-5-mini");
  EXPECT_EQ(Explain("  default_target: mock\n", "spare").route().model(),
            "mock-model");
}

TEST(RouteViewTest, WhoseCredentialsRestIsPassedOverAndSaid) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(absl::StrCat(kRoutesYaml, "  fallbacks: [mock/spare]\n"),
                      {{"OPENAI_KEY", "sk-0123456789"}});
  v1::GenerateRequest request;
  request.set_model("gpt-5");
  const auto explain = [&] {
    v1::ExplainRouteResponse response;
    Ask(runtime, request, "", &response);
    return response;
  };
  CredentialPool& pool =
      *runtime->PolicyOf(*runtime->providers().Find("openai")).credentials;
  const absl::Duration now = runtime->clock().SteadyTime();
  pool.Record(0, now, MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, ""));
  EXPECT_EQ(explain().route().provider(), "mock");
  EXPECT_THAT(
      Steps(explain()),
      testing::HasSubstr(
          "openai:skipped(waits until its rate limit lets it be asked)"));
  pool.Reset(0);
  pool.Record(0, now, MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, ""));
  EXPECT_EQ(explain().route().provider(), "mock");
  EXPECT_THAT(Steps(explain()),
              testing::HasSubstr("openai:skipped(has refused all credentials"));
  // For want of another it is asked, as a call would ask it.
  runtime->resilience()
      .targets.Find("mock", "mock-model")
      .availability.Disable(TargetAvailability::By::kOperator, "");
  EXPECT_EQ(explain().route().provider(), "openai");
  pool.Reset(0);
  pool.Record(0, now, MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, ""));
  EXPECT_EQ(explain().failure(), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
}

constexpr char kLackingYaml[] =
    "providers:\n"
    "- name: mock\n"
    "  model_capabilities:\n"
    "  - {model: small, tools: false, input_tokens_limit: 100}\n"
    "  mock: {}\n"
    "routing:\n"
    "  model_rules:\n"
    "  - {alias: both, targets: [mock/small], fallbacks: [mock/large]}\n"
    "  - {alias: alone, targets: [mock/small]}\n"
    "  failure_fallbacks: {context_length: [mock/long]}\n";

TEST(RouteViewTest, WhatATargetLacksIsSeenAsACallSeesIt) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(kLackingYaml);
  v1::GenerateRequest request;
  const auto explain = [&](const char* model) {
    request.set_model(model);
    v1::ExplainRouteResponse response;
    Ask(runtime, request, "", &response);
    return response;
  };
  EXPECT_EQ(explain("both").route().model(), "small");
  request.add_tools()->mutable_function()->set_name("f");
  const v1::ExplainRouteResponse passed_over = explain("both");
  EXPECT_EQ(passed_over.route().model(), "large");
  EXPECT_EQ(passed_over.route().reason(), "model_rule:both");
  EXPECT_EQ(Steps(passed_over),
            "target:mock/small>mock:skipped(the model 'small' of mock does "
            "not call tools, which tools asks for) "
            "model_rule:both>mock:chosen");
  const v1::ExplainRouteResponse refused = explain("alone");
  EXPECT_FALSE(refused.has_route());
  EXPECT_EQ(refused.failure(), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  EXPECT_THAT(refused.failure_message(), HasSubstr("does not call tools"));
  request.clear_tools();
  request.add_messages()->add_parts()->set_text(std::string(500, 'w'));
  EXPECT_EQ(explain("both").route().model(), "large");
  EXPECT_EQ(explain("alone").route().model(), "long");
  EXPECT_THAT(Steps(explain("alone")), HasSubstr("has about"));
}

TEST(RouteViewTest, WhoIsDisabledOrRestsIsPassedOverAndSaid) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime(absl::StrCat(kRoutesYaml, "  fallbacks: [mock/spare]\n"),
                      {{"OPENAI_KEY", "sk-0123456789"}});
  TargetBoard& targets = runtime->resilience().targets;
  targets.Find("openai", "gpt-5")
      .availability.Disable(TargetAvailability::By::kOperator, "it is wrong");
  v1::GenerateRequest request;
  request.set_model("gpt-5");
  v1::ExplainRouteResponse response;
  Ask(runtime, request, "", &response);
  EXPECT_EQ(response.route().provider(), "mock");
  EXPECT_EQ(Steps(response),
            "target:openai/gpt-5>openai:skipped(is disabled) "
            "model_rule:gpt->openai:chosen");
  targets.Find("openai", "gpt-5").availability.Enable();
  targets.Find("openai", "gpt-5")
      .breaker.Force(CircuitBreaker::State::kForcedOpen,
                     runtime->clock().SteadyTime());
  response.Clear();
  Ask(runtime, request, "", &response);
  EXPECT_EQ(response.steps(0).detail(),
            "an operator has forced its circuit open");
  targets.Find("openai", "gpt-5")
      .availability.Disable(TargetAvailability::By::kOperator, "it is wrong");
  request.set_provider_id("openai");
  response.Clear();
  Ask(runtime, request, "", &response);
  EXPECT_FALSE(response.has_route());
  EXPECT_EQ(response.failure(), v1::ERROR_REASON_MODEL_DISABLED);
}

// Who is asked by the rollout: `team-a` has its place at 29.91 %, `team-b` at
// 25.84 %.
class RolloutViewTest : public testing::Test {
 protected:
  v1::ExplainRouteResponse Explain(const std::string& rollout,
                                   std::string_view caller,
                                   const v1::GenerateRequest& request,
                                   const std::string& more_yaml = "") {
    const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(
        absl::StrCat(kRoutesYaml, "  rollout: {", rollout, "}\n", more_yaml),
        {{"OPENAI_KEY", "sk-0123456789"}, {"TEAM", "key-of-team-012345678"}});
    v1::ExplainRouteResponse response;
    Ask(runtime, request, caller, &response);
    return response;
  }

  static v1::GenerateRequest For(const char* user, const char* provider = "") {
    v1::GenerateRequest request;
    request.set_model("gpt-5");
    request.set_provider_id(provider);
    request.mutable_scope()->set_user_id(user);
    return request;
  }

  const std::string share_ = "percentage: 27, baseline: mock/spare";
};

TEST_F(RolloutViewTest, WhoIsInTheShareIsToldSo) {
  for (const auto& [caller, user] :
       {std::pair("team-b", "team-a"), std::pair("", "team-b")}) {
    const v1::ExplainRouteResponse told = Explain(share_, caller, For(user));
    ASSERT_EQ(told.steps_size(), 2);
    EXPECT_EQ(told.steps(0).rule(), "rollout");
    EXPECT_EQ(told.steps(0).verdict(), v1::RouteStep::VERDICT_NO_MATCH);
    EXPECT_EQ(told.steps(0).detail(),
              "in the share of 27.00 % that the rules are for");
    EXPECT_EQ(told.route().reason(), "model_rule:gpt-");
  }
}

TEST_F(RolloutViewTest, WhoIsOutsideGetsTheBaseline) {
  for (const auto& [caller, user] :
       {std::pair("team-a", "team-b"), std::pair("", "team-a")}) {
    const v1::ExplainRouteResponse told = Explain(share_, caller, For(user));
    ASSERT_EQ(told.steps_size(), 1);
    EXPECT_EQ(told.steps(0).rule(), "rollout:baseline");
    EXPECT_EQ(told.steps(0).verdict(), v1::RouteStep::VERDICT_CHOSEN);
    EXPECT_EQ(told.steps(0).targets(0).model(), "mock-model");
    EXPECT_EQ(told.route().provider(), "mock");
    EXPECT_EQ(told.route().model(), "mock-model");
    EXPECT_EQ(told.route().reason(), "rollout:baseline");
  }
}

TEST_F(RolloutViewTest, OrIsRefusedAsTheCallWouldBe) {
  for (const auto& told : {Explain("percentage: 27", "team-a", For("")),
                           Explain("enabled: false", "", For("")),
                           Explain(share_, "team-a", For("", "openai"))}) {
    EXPECT_FALSE(told.has_route());
    EXPECT_EQ(told.failure(), v1::ERROR_REASON_NOT_ROLLED_OUT);
    ASSERT_EQ(told.steps_size(), 1);
    EXPECT_EQ(told.steps(0).rule(), "rollout");
    EXPECT_THAT(told.steps(0).detail(), StartsWith("refused: outside of"));
  }
}

TEST_F(RolloutViewTest, WhoIsNotKnownIsTakenToBeInTheShareAndThatIsSaid) {
  const char keys[] =
      "auth: {callers: {api_keys: [{id: team-a, key: 'env:TEAM'}]}}\n";
  for (const auto& told : {Explain(share_, "", For("")),
                           // With keys, no user decides.
                           Explain(share_, "", For("team-a"), keys)}) {
    EXPECT_EQ(told.route().reason(), "model_rule:gpt-");
    EXPECT_THAT(told.steps(0).detail(),
                HasSubstr("in the metadata x-llmgateway-caller"));
  }
  EXPECT_EQ(Explain(share_, "team-a", For("team-b"), keys).route().reason(),
            "rollout:baseline");
}

TEST(RouteViewTest, ATierIsNoModelOfAFallback) {
  const v1::ExplainRouteResponse response = Explain(
      "  model_tier_rules: [{tier: fast, targets: [mock/m-fast]}]\n"
      "  fallbacks: [openai, mock/m-spare]\n",
      "tier:fast");
  ASSERT_EQ(response.route().fallbacks_size(), 1);
  EXPECT_EQ(response.route().fallbacks(0).model(), "m-spare");
}

TEST(RouteViewTest, TheDefaultComesLast) {
  const v1::ExplainRouteResponse response =
      Explain("  default_target: mock\n", "other");
  EXPECT_EQ(response.route().provider(), "mock");
  EXPECT_EQ(response.route().reason(), "default");
  ASSERT_EQ(response.steps_size(), 5);
  EXPECT_EQ(response.steps(4).rule(), "default");
  ASSERT_EQ(response.steps(4).targets_size(), 1);
  EXPECT_EQ(response.steps(4).targets(0).provider(), "mock");
  EXPECT_EQ(response.steps(4).verdict(), v1::RouteStep::VERDICT_CHOSEN);
}

TEST(RouteViewTest, AModelThatGoesNowhereIsExplainedToo) {
  const v1::ExplainRouteResponse response =
      Explain("  default_target: mock\n  strict: true\n", "other");
  EXPECT_FALSE(response.has_route());
  EXPECT_EQ(response.failure(), v1::ERROR_REASON_MODEL_NOT_FOUND);
  EXPECT_NE(response.failure_message(), "");
  ASSERT_EQ(response.steps_size(), 5);
  EXPECT_EQ(response.steps(4).verdict(), v1::RouteStep::VERDICT_SKIPPED);
  EXPECT_EQ(response.steps(4).detail(), "strict");
}

TEST(RouteViewTest, ANamedProviderOverridesTheRules) {
  const v1::ExplainRouteResponse response = Explain("", "gpt-5", "mock");
  EXPECT_EQ(response.route().provider(), "mock");
  EXPECT_EQ(response.route().reason(), "explicit");
  EXPECT_EQ(Steps(response), "explicit>mock:chosen");

  const v1::ExplainRouteResponse unknown = Explain("", "gpt-5", "nobody");
  EXPECT_EQ(unknown.failure(), v1::ERROR_REASON_PROVIDER_NOT_FOUND);
  EXPECT_EQ(Steps(unknown), "explicit>nobody:skipped(no such provider)");
}

}  // namespace
}  // namespace gateway
