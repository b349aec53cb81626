#include "service/http/admin_answers.h"

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/text/json_writer.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/policies.pb.h"
#include "service/api/policy_view.h"
#include "service/pipeline/runtime_snapshot.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr char kAnswersYaml[] =
    "providers: [{name: mock, mock: {}}]\n"
    "routing:\n"
    "  selection:\n"
    "    policies:\n"
    "    - {id: a, target: mock/m-a, capabilities: [vision, audio_input],\n"
    "       cost_tier: high, context_window_tokens: 9000,\n"
    "       input_cost_per_1k: '0.00015', fallback_models: [b, gone],\n"
    "       admin_overridable: false}\n"
    "    - {id: b, target: mock/m-b}\n"
    "    nodes:\n"
    "    - {name: writer, required_capabilities: [vision],\n"
    "       cost_tier_max: premium}\n"
    "    - {name: searcher, required_capabilities: [web_search]}\n";
constexpr char kAskedAtTheEnd[] = "\"timestamp\":\"2026-01-02T03:04:05.000Z\"}";

class AdminAnswersTest : public testing::Test {
 protected:
  // The answer, or an empty text if it is an error.
  template <typename Request, typename Response>
  std::string Written(absl::Status (*write)(const AdminAsked&, const Request&,
                                            const Response&, JsonWriter&),
                      const Request& request, const Response& response,
                      std::string_view operator_name = "ops") {
    std::string text;
    JsonWriter json(&text);
    json.StartObject();
    status_ = write({.runtime = *runtime_,
                     .operator_name = operator_name,
                     .now = absl::FromUnixSeconds(1767323045),
                     .refused = refused_},
                    request, response, json);
    if (!status_.ok()) return "";
    json.EndObject();
    return text;
  }

  // What the view of that name answers.
  template <typename Request, typename Response>
  Response Viewed(absl::Status (*view)(const RuntimeSnapshot&, const Request&,
                                       Response*),
                  const Request& request) {
    Response response;
    const absl::Status status = view(*runtime_, request, &response);
    EXPECT_TRUE(status.ok()) << status;
    return response;
  }

  const std::shared_ptr<const RuntimeSnapshot> runtime_ =
      MakeTestRuntime(kAnswersYaml);
  google::protobuf::RepeatedPtrField<v1::ConfigProblem> refused_;
  absl::Status status_;
};

TEST_F(AdminAnswersTest, HealthIsOneWordAndOneForEachProvider) {
  v1::GetHealthResponse health;
  health.set_status(v1::GetHealthResponse::STATUS_SERVING);
  v1::Provider* provider = health.add_providers();
  provider->set_name("good");
  provider->mutable_health()->set_state(v1::ProviderHealth::STATE_UNKNOWN);
  const std::string well =
      Written(&WriteAdminHealth, v1::GetHealthRequest(), health);
  EXPECT_EQ(well, absl::StrCat(
                      R"({"overall_status":"healthy","providers":{"good":)"
                      R"({"status":"healthy","state":"unknown","attempts":0,)"
                      R"("failures":0}},"problems":[],)",
                      kAskedAtTheEnd));
  provider = health.add_providers();
  provider->set_name("bad");
  provider->mutable_health()->set_state(v1::ProviderHealth::STATE_FAILING);
  provider->mutable_health()->set_attempts(3);
  provider->mutable_health()->set_failures(2);
  health.add_problems("bad: is down");
  for (const auto status : {v1::GetHealthResponse::STATUS_DEGRADED,
                            v1::GetHealthResponse::STATUS_DRAINING,
                            v1::GetHealthResponse::STATUS_NOT_SERVING}) {
    health.set_status(status);
    const std::string ill =
        Written(&WriteAdminHealth, v1::GetHealthRequest(), health);
    EXPECT_THAT(ill, HasSubstr(R"("overall_status":"degraded")"));
    EXPECT_THAT(ill, HasSubstr(R"("bad":{"status":"unhealthy",)"
                               R"("state":"failing","attempts":3,)"
                               R"("failures":2})"));
    EXPECT_THAT(ill, HasSubstr(R"("problems":["bad: is down"])"));
  }
}

TEST_F(AdminAnswersTest, TheStatusHasWhatIsWrongAndWhoServesWhom) {
  v1::GetHealthResponse health;
  health.set_status(v1::GetHealthResponse::STATUS_SERVING);
  const std::string text =
      Written(&WriteAdminStatus, v1::GetHealthRequest(), health);
  EXPECT_THAT(text, HasSubstr(R"({"gateway_health":{"overall_status")"));
  EXPECT_THAT(text, HasSubstr(R"("configuration_valid":false,)"
                              R"("configuration_issues":["fallback 'gone')"));
  EXPECT_THAT(text, HasSubstr(R"("total_policies":2,"total_nodes":2,)"
                              R"("current_assignments":{"writer":"a",)"
                              R"("searcher":"ERROR: no model can serve )"));
  EXPECT_THAT(text, EndsWith(kAskedAtTheEnd));
}

TEST_F(AdminAnswersTest, PoliciesHaveEachCapabilityAndDollars) {
  const std::string text =
      Written(&WritePolicies, v1::ListPoliciesRequest(),
              Viewed(&ListPolicies, v1::ListPoliciesRequest()));
  EXPECT_THAT(
      text,
      HasSubstr(
          R"("a":{"logical_id":"a","provider":"mock",)"
          R"("provider_model_id":"m-a","capabilities":{"streaming":false,)"
          R"("function_calling":false,"vision":true,"reasoning":false,)"
          R"("web_search":false,"long_context":false,)"
          R"("creative_writing":false,"code_generation":false,)"
          R"("json_mode":false,"audio_input":true},"cost_tier":"high",)"
          R"("context_window":9000,"input_cost_per_1k":0.00015,)"
          R"("output_cost_per_1k":0.003,"fallback_models":["b","gone"],)"
          R"("admin_overridable":false})"));
  EXPECT_THAT(text, HasSubstr(R"("cost_tier":"medium","context_window":8000)"));
}

TEST_F(AdminAnswersTest, NodesAreByName) {
  EXPECT_EQ(
      Written(&WriteNodeRequirements, v1::ListNodeRequirementsRequest(),
              Viewed(&ListNodeRequirements, v1::ListNodeRequirementsRequest())),
      R"({"writer":{"required_capabilities":["vision"],)"
      R"("preferred_capabilities":[],"min_context_window":4000,)"
      R"("max_cost_tier":"premium","reasoning_required":false},)"
      R"("searcher":{"required_capabilities":["web_search"],)"
      R"("preferred_capabilities":[],"min_context_window":4000,)"
      R"("max_cost_tier":"high","reasoning_required":false}})");
}

TEST_F(AdminAnswersTest, AssignmentsAreOfAllPages) {
  v1::ListAssignmentsRequest request;
  request.set_page_size(1);
  const v1::ListAssignmentsResponse first = Viewed(&ListAssignments, request);
  ASSERT_EQ(first.assignments_size(), 1);
  EXPECT_EQ(Written(&WriteAssignments, request, first),
            absl::StrCat(R"({"assignments":{"writer":"a","searcher":)"
                         R"("ERROR: no model can serve this node"},)",
                         kAskedAtTheEnd));
}

TEST_F(AdminAnswersTest, AnOverrideSaysWhoGaveItAndUntilWhen) {
  v1::UpdateNodePolicyRequest request;
  request.set_node_name("writer");
  request.set_model_id("b");
  v1::UpdateNodePolicyResponse response;
  // The one that was given is disabled.
  response.mutable_assignment()->set_model_id("a");
  EXPECT_EQ(Written(&WriteNodePolicy, request, response),
            absl::StrCat(R"({"success":true,"node_name":"writer",)"
                         R"("model_id":"b","mode":"override",)"
                         R"("updated_by":"ops",)",
                         kAskedAtTheEnd));
  response.mutable_assignment()
      ->mutable_override()
      ->mutable_expire_time()
      ->set_seconds(1767323105);
  EXPECT_THAT(Written(&WriteNodePolicy, request, response, ""),
              HasSubstr(R"("expires_at":"2026-01-02T03:05:05.000Z",)"
                        R"("updated_by":"unknown")"));
  request.clear_model_id();
  EXPECT_THAT(Written(&WriteNodePolicy, request, response),
              HasSubstr(R"("model_id":"a","mode":"default")"));
  response.clear_assignment();
  EXPECT_THAT(Written(&WriteNodePolicy, request, response),
              HasSubstr(R"("model_id":null,"mode":"default")"));
}

TEST_F(AdminAnswersTest, EachOfSeveralHasItsResult) {
  v1::BulkUpdateNodePoliciesRequest request;
  request.add_updates()->set_model_id("b");
  request.add_updates()->set_model_id("gone");
  v1::BulkUpdateNodePoliciesResponse response;
  v1::NodePolicyResult* result = response.add_results();
  result->set_node_name("writer");
  // The one that was given is disabled.
  result->mutable_assignment()->set_model_id("a");
  result = response.add_results();
  result->set_node_name("searcher");
  result->set_failure_message("no such model");
  EXPECT_EQ(
      Written(&WriteNodePolicies, request, response),
      absl::StrCat(R"({"results":{"writer":{"status":"success","model":"b"},)"
                   R"("searcher":{"status":"error",)"
                   R"("error":"no such model"}},"updated_by":"ops",)",
                   kAskedAtTheEnd));
}

TEST_F(AdminAnswersTest, AReloadSaysWhatChanged) {
  v1::ReloadConfigResponse response;
  response.mutable_version()->set_version(4);
  response.add_changes()->set_path("routing.strict");
  v1::ConfigProblem* warning = response.add_warnings();
  warning->set_path("providers[0]");
  warning->set_message("has no key");
  EXPECT_EQ(
      Written(&WriteReload, v1::ReloadConfigRequest(), response),
      absl::StrCat(
          R"({"success":true,)"
          R"("message":"Configuration reloaded successfully",)"
          R"("applied_kept":false,"version":4,"changed_fields":["routing.strict"],)"
          R"("warnings":["providers[0]: has no key"],)"
          R"("reloaded_by":"ops",)",
          kAskedAtTheEnd));
}

TEST_F(AdminAnswersTest, AReloadSaysWhatItHasLeftInUse) {
  v1::ReloadConfigResponse response;
  response.set_applied_kept(true);
  const std::string kept =
      Written(&WriteReload, v1::ReloadConfigRequest(), response);
  EXPECT_THAT(kept, HasSubstr("the configuration that was applied in its place "
                              "stays in use"));
  EXPECT_THAT(kept, HasSubstr(R"("applied_kept":true)"));
}

TEST_F(AdminAnswersTest, ASelectionIsShownOrAnError) {
  v1::TestSelectionRequest request;
  request.mutable_selection()->set_node_name("writer");
  const std::string chosen =
      Written(&WriteTestSelection, request, Viewed(&TestSelection, request));
  EXPECT_THAT(chosen, HasSubstr(R"({"selected_model":"a","provider":"mock",)"
                                R"("reasoning":")"));
  EXPECT_THAT(chosen, HasSubstr(R"("alternatives":[],"fallback_chain":[)"));
  EXPECT_THAT(chosen, HasSubstr(R"("tested_by":"ops")"));
  request.mutable_selection()->set_node_name("searcher");
  EXPECT_EQ(
      Written(&WriteTestSelection, request, Viewed(&TestSelection, request)),
      "");
  EXPECT_EQ(FaultReason(status_), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_THAT(std::string(status_.message()), HasSubstr("lacks web_search"));
}

TEST_F(AdminAnswersTest, EveryStrategyRecommendsOrSaysWhyNot) {
  v1::GetRecommendationsRequest request;
  request.set_node_name("searcher");
  v1::GetRecommendationsResponse response;
  v1::Recommendation* pick = response.add_recommendations();
  pick->set_strategy(v1::Selection::STRATEGY_COST_OPTIMIZED);
  pick->mutable_selection()->set_model_id("b");
  pick->mutable_selection()->set_reasoning("cheap");
  pick->mutable_selection()->set_confidence(0.8);
  pick->mutable_selection()->set_estimated_cost_usd_nanos(450'000);
  pick = response.add_recommendations();
  pick->set_strategy(v1::Selection::STRATEGY_BALANCED);
  pick->set_failure_message("none can");
  EXPECT_EQ(
      Written(&WriteRecommendations, request, response),
      absl::StrCat(
          R"({"node_name":"searcher","recommendations":{"cost_optimized":)"
          R"({"model":"b","reasoning":"cheap","confidence":0.8,)"
          R"("estimated_cost":0.00045},"balanced":{"error":"none can"}},)"
          R"("performance_data":{"a":{"score":50,"success_rate":null,)"
          R"("avg_latency_ms":null,"total_requests":0},"b":{"score":50,)"
          R"("success_rate":null,"avg_latency_ms":null,"total_requests":0}},)"
          R"("requested_by":"ops",)",
          kAskedAtTheEnd));
}

TEST_F(AdminAnswersTest, SavingsAreInDollars) {
  v1::GetCostOptimizationResponse response;
  response.set_total_nodes_analyzed(7);
  response.set_estimated_savings_usd_nanos_per_request(10'050'000);
  v1::CostOpportunity* each = response.add_opportunities();
  each->set_node_name("writer");
  each->set_current_model_id("a");
  each->set_recommended_model_id("b");
  each->set_current_cost_usd_nanos(10'500'000);
  each->set_recommended_cost_usd_nanos(450'000);
  EXPECT_EQ(Written(&WriteCostOptimization, v1::GetCostOptimizationRequest(),
                    response),
            absl::StrCat(
                R"({"total_nodes_analyzed":7,"optimization_opportunities":1,)"
                R"("estimated_savings_per_request":0.01005,"recommendations":)"
                R"({"writer":{"current_model":"a","recommended_model":"b",)"
                R"("current_cost":0.0105,"optimized_cost":0.00045,)"
                R"("savings":0.01005}},"requested_by":"ops",)",
                kAskedAtTheEnd));
}

TEST_F(AdminAnswersTest, IssuesAreOfThePoliciesAndOfAFileThatWasRefused) {
  v1::GetConfigResponse response;
  std::string text =
      Written(&WriteValidation, v1::GetConfigRequest(), response);
  EXPECT_THAT(text,
              HasSubstr(R"({"valid":false,"issues":["fallback 'gone' of )"
                        R"(policy 'a' is not defined","no model can serve )"
                        R"(node 'searcher')"));
  EXPECT_THAT(text, HasSubstr(R"("warnings":[],"total_policies":2,)"
                              R"("total_nodes":2,"validated_by":"ops")"));
  v1::ConfigProblem* problem = refused_.Add();
  problem->set_path("routes");
  problem->set_message("is no field");
  const std::string told = "\"the file is not in use: routes: is no field\"]";
  EXPECT_THAT(Written(&WriteValidation, v1::GetConfigRequest(), response),
              HasSubstr(told));
  // The other path that tells of it says the same.
  EXPECT_THAT(Written(&WriteAdminStatus, v1::GetHealthRequest(),
                      v1::GetHealthResponse()),
              HasSubstr(told + ",\"configuration_warnings\""));
}

TEST_F(AdminAnswersTest, WithoutFindingsTheConfigurationIsValid) {
  const std::shared_ptr<const RuntimeSnapshot> runtime =
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n");
  std::string text;
  JsonWriter json(&text);
  json.StartObject();
  v1::GetConfigResponse response;
  AdminAsked asked = {.runtime = *runtime, .operator_name = "ops"};
  ASSERT_TRUE(
      WriteValidation(asked, v1::GetConfigRequest(), response, json).ok());
  EXPECT_THAT(text, HasSubstr(R"({"valid":true,"issues":[],"warnings":[])"));
  // Neither is it while a file waits to be mended.
  asked.refused.Add()->set_message("is wrong");
  text.clear();
  JsonWriter again(&text);
  again.StartObject();
  ASSERT_TRUE(
      WriteValidation(asked, v1::GetConfigRequest(), response, again).ok());
  EXPECT_THAT(text, HasSubstr(R"({"valid":false,"issues":["the file is not in )"
                              R"(use: is wrong"])"));
}

}  // namespace
}  // namespace gateway
