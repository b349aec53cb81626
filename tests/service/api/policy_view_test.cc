#include "service/api/policy_view.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/resilience/provider_probes.h"
#include "service/resilience/target_board.h"
#include "service/routing/model_selector.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

constexpr char kPoliciesYaml[] =
    "providers:\n"
    "- {name: mock, model_aliases: {writes: upstream-writes}, mock: {}}\n"
    "- {name: keyless, openai: {api_key: 'env:NOT_SET'}}\n"
    "routing:\n"
    "  selection:\n"
    "    policies:\n"
    "    - {id: dear, target: mock/dear, cost_tier: high,\n"
    "       input_cost_per_1k: '0.003', output_cost_per_1k: '0.015'}\n"
    "    - {id: cheap, target: mock/writes, cost_tier: low,\n"
    "       fallback_models: [dear]}\n"
    "    - {id: absent, target: keyless/k, cost_tier: low,\n"
    "       capabilities: [vision]}\n"
    "    nodes:\n"
    "    - {name: writer}\n"
    "    - {name: painter, required_capabilities: [vision]}\n";

class PolicyViewTest : public testing::Test {
 protected:
  const PolicyTable& table() const {
    return runtime_->router().selector().table();
  }

  const std::shared_ptr<const RuntimeSnapshot> runtime_ =
      MakeTestRuntime(kPoliciesYaml);
};

TEST_F(PolicyViewTest, ListsComeInPages) {
  v1::ListPoliciesRequest request;
  request.set_page_size(2);
  v1::ListPoliciesResponse first;
  ASSERT_TRUE(ListPolicies(*runtime_, request, &first).ok());
  ASSERT_EQ(first.policies_size(), 2);
  EXPECT_EQ(first.policies(0).id(), "dear");
  request.set_page_token(first.next_page_token());
  v1::ListPoliciesResponse second;
  ASSERT_TRUE(ListPolicies(*runtime_, request, &second).ok());
  ASSERT_EQ(second.policies_size(), 1);
  EXPECT_EQ(second.policies(0).id(), "absent");
  EXPECT_EQ(second.next_page_token(), "");
  for (const char* token : {"x", "from:", "from:x", "from:-1"}) {
    request.set_page_token(token);
    EXPECT_EQ(
        FieldViolations(ListPolicies(*runtime_, request, &second))[0].first,
        "page_token")
        << token;
  }
  request.set_page_token("from:99");
  second.Clear();
  EXPECT_TRUE(ListPolicies(*runtime_, request, &second).ok());
  EXPECT_EQ(second.policies_size(), 0);
  request.set_page_size(-1);
  EXPECT_FALSE(ListPolicies(*runtime_, request, &second).ok());
}

TEST_F(PolicyViewTest, NodesAreListed) {
  v1::ListNodeRequirementsResponse response;
  ASSERT_TRUE(ListNodeRequirements(*runtime_, {}, &response).ok());
  ASSERT_EQ(response.nodes_size(), 2);
  EXPECT_EQ(response.nodes(1).name(), "painter");
}

TEST_F(PolicyViewTest, AssignmentsShowWhatSuitsAndWhatWasGiven) {
  const absl::Time now = runtime_->clock().WallTime();
  ASSERT_TRUE(runtime_->selection()
                  .overrides
                  .Set(table(), {.node = "other",
                                 .model = "absent",
                                 .set_by = "ops",
                                 .set_time = now})
                  .ok());
  v1::ListAssignmentsResponse response;
  ASSERT_TRUE(ListAssignments(*runtime_, {}, &response).ok());
  ASSERT_EQ(response.assignments_size(), 3);
  EXPECT_EQ(response.assignments(0).model_id(), "cheap");
  EXPECT_EQ(response.assignments(0).score(), 15 + 2 * 2);
  EXPECT_FALSE(response.assignments(0).has_override());
  EXPECT_EQ(response.assignments(1).model_id(), "absent");
  EXPECT_EQ(response.assignments(2).node_name(), "other");
  EXPECT_EQ(response.assignments(2).override().updated_by(), "ops");
  EXPECT_FALSE(response.assignments(2).override().has_expire_time());
}

TEST_F(PolicyViewTest, WhatIsDisabledIsAssignedToNoNode) {
  const auto assigned = [this] {
    v1::ListAssignmentsResponse response;
    EXPECT_TRUE(ListAssignments(*runtime_, {}, &response).ok());
    return response.assignments(0);
  };
  ASSERT_EQ(assigned().model_id(), "cheap");
  const auto disable = [this](const char* provider, const char* model) {
    runtime_->resilience()
        .targets.Find(provider, model)
        .availability.Disable(TargetAvailability::By::kOperator, "by alice");
  };
  disable("mock", "upstream-writes");
  // Not one whose provider has no credential, as long as there is another.
  EXPECT_EQ(assigned().model_id(), "dear");
  disable("keyless", "k");
  EXPECT_EQ(assigned().model_id(), "dear");
  // Nor by an override.
  ASSERT_TRUE(runtime_->selection()
                  .overrides
                  .Set(table(), {.node = "writer",
                                 .model = "cheap",
                                 .set_by = "ops",
                                 .set_time = runtime_->clock().WallTime()})
                  .ok());
  EXPECT_EQ(assigned().model_id(), "dear");
  EXPECT_EQ(assigned().override().model_id(), "cheap");
  disable("mock", "dear");
  EXPECT_EQ(assigned().model_id(), "");
  runtime_->resilience()
      .targets.Find("mock", "upstream-writes")
      .availability.Enable();
  EXPECT_EQ(assigned().model_id(), "cheap");
}

TEST_F(PolicyViewTest, ADisabledModelIsNoSaving) {
  const auto opportunities = [this] {
    v1::GetCostOptimizationResponse response;
    EXPECT_TRUE(GetCostOptimization(*runtime_, {}, &response).ok());
    return response.opportunities_size();
  };
  ASSERT_TRUE(runtime_->selection()
                  .overrides
                  .Set(table(), {.node = "writer",
                                 .model = "dear",
                                 .set_by = "ops",
                                 .set_time = runtime_->clock().WallTime()})
                  .ok());
  ASSERT_EQ(opportunities(), 1);
  TargetBoard& targets = runtime_->resilience().targets;
  for (const auto& [provider, model] :
       {std::pair("mock", "upstream-writes"), std::pair("keyless", "k")}) {
    targets.Find(provider, model)
        .availability.Disable(TargetAvailability::By::kOperator, "by alice");
  }
  EXPECT_EQ(opportunities(), 0);
}

v1::TestSelectionResponse SelectedForWriter(const RuntimeSnapshot& runtime) {
  v1::TestSelectionRequest request;
  request.mutable_selection()->set_node_name("writer");
  v1::TestSelectionResponse response;
  EXPECT_TRUE(TestSelection(runtime, request, &response).ok());
  return response;
}

// The model of the node that is configured first.
std::string FirstAssigned(const RuntimeSnapshot& runtime) {
  v1::ListAssignmentsResponse response;
  EXPECT_TRUE(
      ListAssignments(runtime, v1::ListAssignmentsRequest(), &response).ok());
  return response.assignments(0).model_id();
}

// Two providers; what one can do, the other can.
constexpr char kProbedYaml[] =
    "providers:\n"
    "- {name: first, mock: {}}\n"
    "- {name: second, mock: {}}\n"
    "routing:\n"
    "  selection:\n"
    "    policies:\n"
    "    - {id: cheap, target: first/c, cost_tier: low,\n"
    "       admin_overridable: true}\n"
    "    - {id: dear, target: second/d, cost_tier: high}\n"
    "    nodes: [{name: writer}]\n";

TEST(FailingProbesTest, WhoseProbesFailServesANodeForWantOfAnother) {
  const auto runtime = MakeTestRuntime(kProbedYaml);
  const auto selected = [&runtime] { return SelectedForWriter(*runtime); };
  const auto assigned = [&runtime] { return FirstAssigned(*runtime); };
  const auto fail = [&runtime](const char* provider) {
    for (int i = 0; i < 2; ++i) {
      runtime->resilience().targets.ProbesOf(provider).RecordFailure(
          absl::UnixEpoch());
    }
  };
  const auto disable = [&runtime](const char* provider, const char* model) {
    runtime->resilience()
        .targets.Find(provider, model)
        .availability.Disable(TargetAvailability::By::kOperator, "by alice");
  };
  fail("first");
  EXPECT_EQ(assigned(), "dear");
  const v1::TestSelectionResponse tried = selected();
  EXPECT_EQ(tried.selection().model_id(), "dear");
  EXPECT_EQ(tried.candidates(0).outcome(), "comes last: its probes fail");
  ASSERT_EQ(tried.route().fallbacks_size(), 1);
  EXPECT_EQ(tried.route().fallbacks(0).provider(), "first");
  // As calls do, by what is given whatever probes say.
  ASSERT_TRUE(runtime->selection()
                  .overrides
                  .Set(runtime->router().selector().table(),
                       {.node = "writer",
                        .model = "cheap",
                        .set_by = "ops",
                        .set_time = runtime->clock().WallTime()})
                  .ok());
  EXPECT_EQ(assigned(), "cheap");
  EXPECT_EQ(selected().selection().model_id(), "cheap");
  runtime->selection().overrides.Replace({});
  EXPECT_EQ(assigned(), "dear");
  disable("second", "d");
  EXPECT_EQ(assigned(), "cheap");
  EXPECT_EQ(selected().candidates(0).outcome(), "chosen");
}

TEST_F(PolicyViewTest, AChoiceIsTriedWithoutACall) {
  v1::TestSelectionRequest request;
  EXPECT_EQ(
      FieldViolations(TestSelection(*runtime_, request, nullptr))[0].first,
      "selection");
  request.mutable_selection()->set_node_name("writer");
  v1::TestSelectionResponse response;
  ASSERT_TRUE(TestSelection(*runtime_, request, &response).ok());
  EXPECT_EQ(response.selection().model_id(), "cheap");
  EXPECT_EQ(response.route().model(), "upstream-writes");
  EXPECT_EQ(response.route().reason(), "selection:balanced");
  EXPECT_EQ(response.route().selection().model_id(), "cheap");
  EXPECT_EQ(response.route().fallbacks_size(), 1);
  ASSERT_EQ(response.candidates_size(), 3);
  EXPECT_EQ(response.candidates(1).outcome(), "chosen");
  EXPECT_EQ(response.candidates(2).outcome(), "no credential");
  EXPECT_FALSE(response.candidates(2).has_score());
  request.mutable_selection()->add_capabilities("reasoning");
  response.Clear();
  ASSERT_TRUE(TestSelection(*runtime_, request, &response).ok());
  EXPECT_FALSE(response.has_selection());
  EXPECT_EQ(response.failure(), v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  request.mutable_selection()->add_capabilities("flying");
  EXPECT_FALSE(TestSelection(*runtime_, request, &response).ok());
}

TEST_F(PolicyViewTest, EachStrategyRecommends) {
  v1::GetRecommendationsRequest request;
  v1::GetRecommendationsResponse response;
  EXPECT_FALSE(GetRecommendations(*runtime_, request, &response).ok());
  request.set_node_name("painter");
  ASSERT_TRUE(GetRecommendations(*runtime_, request, &response).ok());
  ASSERT_EQ(response.recommendations_size(), 5);
  for (const v1::Recommendation& each : response.recommendations()) {
    if (each.strategy() == v1::Selection::STRATEGY_CAPABILITY_STRICT) {
      // Whatever the node asks for.
      EXPECT_EQ(each.selection().model_id(), "cheap");
      EXPECT_EQ(each.performance().score(), 50);
    } else {
      EXPECT_THAT(each.failure_message(), HasSubstr("absent (no credential)"));
    }
  }
}

TEST_F(PolicyViewTest, SavingsAreShown) {
  ASSERT_TRUE(runtime_->selection()
                  .overrides
                  .Set(table(), {.node = "writer",
                                 .model = "dear",
                                 .set_time = runtime_->clock().WallTime()})
                  .ok());
  v1::GetCostOptimizationResponse response;
  ASSERT_TRUE(GetCostOptimization(*runtime_, {}, &response).ok());
  EXPECT_EQ(response.total_nodes_analyzed(), 2);
  ASSERT_EQ(response.opportunities_size(), 1);
  EXPECT_EQ(response.opportunities(0).recommended_model_id(), "cheap");
  // 0.0105 $ against 0.0025 $.
  EXPECT_EQ(response.estimated_savings_usd_nanos_per_request(), 8'000'000);
}

TEST_F(PolicyViewTest, HowCallsWentIsShown) {
  const absl::Time now = runtime_->clock().WallTime();
  runtime_->selection().performance.HistoryOf("dear")->Record(
      0, {.succeeded = true, .latency = absl::Seconds(1)}, now);
  v1::GetModelPerformanceRequest request;
  v1::GetModelPerformanceResponse response;
  ASSERT_TRUE(GetModelPerformance(*runtime_, request, &response).ok());
  ASSERT_EQ(response.models_size(), 3);
  EXPECT_EQ(response.models(0).successes(), 1);
  EXPECT_EQ(response.models(0).score(), 90);
  EXPECT_TRUE(response.models(0).has_last_success_time());
  EXPECT_EQ(response.models(1).score(), 50);
  EXPECT_FALSE(response.models(1).has_average_latency());
  request.set_model_id("dear");
  response.Clear();
  ASSERT_TRUE(GetModelPerformance(*runtime_, request, &response).ok());
  ASSERT_EQ(response.models_size(), 1);
  EXPECT_EQ(response.models(0).average_latency().seconds(), 1);
  request.set_model_id("gone");
  EXPECT_EQ(FaultReason(GetModelPerformance(*runtime_, request, &response)),
            v1::ERROR_REASON_NOT_FOUND);
}

// Two providers with a key each; what one can do, the other can.
constexpr char kKeyedYaml[] =
    "providers:\n"
    "- {name: first, openai: {api_key: 'env:KEY'}}\n"
    "- {name: second, openai: {api_key: 'env:KEY'}}\n"
    "routing:\n"
    "  selection:\n"
    "    policies:\n"
    "    - {id: cheap, target: first/c, cost_tier: low}\n"
    "    - {id: dear, target: second/d, cost_tier: high}\n"
    "    nodes: [{name: writer}]\n";

TEST(RestingCredentialsTest, NobodyRecommendsWhomACallWouldNotGet) {
  const auto runtime = MakeTestRuntime(kKeyedYaml, {{"KEY", "sk-0123456789"}});
  const auto selected = [&runtime] { return SelectedForWriter(*runtime); };
  const auto assigned = [&runtime] { return FirstAssigned(*runtime); };
  const auto answers = [&runtime](const char* provider,
                                  v1::ErrorReason reason) {
    runtime->PolicyOf(*runtime->providers().Find(provider))
        .credentials->Record(0, runtime->clock().SteadyTime(),
                             MakeFault(reason, ""));
  };
  EXPECT_EQ(selected().selection().model_id(), "cheap");
  EXPECT_EQ(assigned(), "cheap");
  for (const v1::ErrorReason reason : {v1::ERROR_REASON_PROVIDER_RATE_LIMITED,
                                       v1::ERROR_REASON_PROVIDER_AUTH_FAILED}) {
    answers("first", reason);
    EXPECT_EQ(selected().selection().model_id(), "dear");
    EXPECT_EQ(assigned(), "dear");
  }
  // What is told of it is its own.
  EXPECT_EQ(selected().selection().alternatives_size(), 0);
  EXPECT_EQ(selected().selection().confidence(), 0.5);
  EXPECT_EQ(selected().selection().reasoning(),
            "in place of cheap, which was chosen first: balanced: score 70.0, "
            "the best of 2 models; dear has 50.0");
  EXPECT_THAT(selected().candidates(0).outcome(),
              HasSubstr("has refused all credentials"));
  // If there is no other, it is as with calls.
  answers("second", v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(selected().selection().model_id(), "cheap");
  EXPECT_EQ(assigned(), "cheap");
}

}  // namespace
}  // namespace gateway
