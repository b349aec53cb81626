#include "service/api/route_view.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/target_board.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

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

v1::ExplainRouteResponse Explain(const std::string& more_yaml,
                                 const std::string& model,
                                 const std::string& provider = "") {
  const std::shared_ptr<const RuntimeSnapshot> runtime = MakeTestRuntime(
      absl::StrCat(kRoutesYaml, more_yaml), {{"OPENAI_KEY", "sk-0123456789"}});
  v1::GenerateRequest request;
  request.set_model(model);
  request.set_provider_id(provider);
  v1::ExplainRouteResponse response;
  ExplainRoute(*runtime, request, &response);
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
  ExplainRoute(*runtime, request, &response);
  EXPECT_EQ(response.route().provider(), "mock");
  EXPECT_EQ(Steps(response),
            "model_rule:gpt->openai:skipped(is disabled) "
            "model_rule:gpt->openai:chosen");
  request.set_provider_id("openai");
  response.Clear();
  ExplainRoute(*runtime, request, &response);
  EXPECT_FALSE(response.has_route());
  EXPECT_EQ(response.failure(), v1::ERROR_REASON_MODEL_DISABLED);
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
