#include "service/http/admin_answers.h"

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/timestamp.h"
#include "errors/fault.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/config/v1/selection.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "proto/proto_time.h"
#include "service/api/component_board.h"
#include "service/api/policy_view.h"
#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/selection_advice.h"
#include "service/routing/selection/selection_config.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

using ::google::protobuf::RepeatedPtrField;

// The capabilities that the system knew: a policy has each, true or false.
constexpr Capability kKnownCapabilities[] = {
    kCapabilityStreaming,       kCapabilityFunctionCalling,
    kCapabilityVision,          kCapabilityReasoning,
    kCapabilityWebSearch,       kCapabilityLongContext,
    kCapabilityCreativeWriting, kCapabilityCodeGeneration,
    kCapabilityJsonMode};

double Dollars(int64_t usd_nanos) {
  return static_cast<double>(usd_nanos) / 1e9;
}

// `STRATEGY_COST_OPTIMIZED`, without its prefix, as `cost_optimized`.
std::string LowerName(const std::string& name, std::string_view prefix) {
  return absl::AsciiStrToLower(name.substr(prefix.size()));
}

std::string CostTierName(configv1::CostTier tier) {
  return LowerName(configv1::CostTier_Name(tier), "COST_TIER_");
}

void WriteTexts(std::string_view key, const RepeatedPtrField<std::string>& from,
                JsonWriter& json) {
  json.StartArrayField(key);
  for (const std::string& text : from) json.String(text);
  json.EndArray();
}

// By their names.
void WriteCounts(std::string_view key,
                 const google::protobuf::Map<std::string, int64_t>& counts,
                 JsonWriter& json) {
  json.StartObjectField(key);
  for (const auto& [name, count] :
       std::map<std::string, int64_t>(counts.begin(), counts.end())) {
    json.Int64Field(name, count);
  }
  json.EndObject();
}

void WriteTime(std::string_view key, absl::Time time, JsonWriter& json) {
  std::string text;
  AppendTimestamp(time, &text);
  json.StringField(key, text);
}

// Ends an answer; `by` is empty for those that do not say who asked.
void WriteAsked(const AdminAsked& asked, std::string_view by,
                JsonWriter& json) {
  if (!by.empty()) {
    json.StringField(
        by, asked.operator_name.empty() ? "unknown" : asked.operator_name);
  }
  WriteTime("timestamp", asked.now, json);
}

bool IsWell(const v1::Provider& provider) {
  return provider.health().state() == v1::ProviderHealth::STATE_HEALTHY ||
         provider.health().state() == v1::ProviderHealth::STATE_UNKNOWN;
}

void WriteProviderHealth(const v1::Provider& provider, JsonWriter& json) {
  const v1::ProviderHealth& health = provider.health();
  json.StartObjectField(provider.name());
  json.StringField("status", IsWell(provider) ? "healthy" : "unhealthy");
  json.StringField(
      "state",
      LowerName(v1::ProviderHealth::State_Name(health.state()), "STATE_"));
  json.Int64Field("attempts", health.attempts());
  json.Int64Field("failures", health.failures());
  json.EndObject();
}

void WriteHealthFields(const v1::GetHealthResponse& health, JsonWriter& json) {
  json.StringField("overall_status",
                   health.status() == v1::GetHealthResponse::STATUS_SERVING
                       ? "healthy"
                       : "degraded");
  json.StartObjectField("providers");
  for (const v1::Provider& provider : health.providers()) {
    WriteProviderHealth(provider, json);
  }
  json.EndObject();
  if (!health.components().empty()) {
    json.StartObjectField("components");
    for (const v1::ComponentHealth& component : health.components()) {
      json.StringField(component.name(), ComponentStateName(component.state()));
    }
    json.EndObject();
  }
  WriteTexts("problems", health.problems(), json);
}

const PolicyTable& TableInUse(const AdminAsked& asked) {
  return asked.runtime.router().selector().table();
}

void WriteFindings(std::string_view key,
                   const std::vector<PolicyFinding>& findings,
                   const RepeatedPtrField<v1::ConfigProblem>& refused,
                   JsonWriter& json) {
  json.StartArrayField(key);
  for (const PolicyFinding& finding : findings) json.String(finding.message);
  for (const v1::ConfigProblem& problem : refused) {
    json.String(absl::StrCat("the file is not in use: ", problem.path(),
                             problem.path().empty() ? "" : ": ",
                             problem.message()));
  }
  json.EndArray();
}

// What the fields are called in which is told how the configuration is.
struct ValidityFields {
  std::string_view valid;
  std::string_view issues;
  std::string_view warnings;
};

void WriteValidity(const AdminAsked& asked, const ValidityFields& fields,
                   JsonWriter& json) {
  const PolicyTable& table = TableInUse(asked);
  const PolicyFindings findings = CheckPolicies(table);
  json.BoolField(fields.valid, findings.valid() && asked.refused.empty());
  WriteFindings(fields.issues, findings.issues, asked.refused, json);
  WriteFindings(fields.warnings, findings.warnings, {}, json);
  json.Int64Field("total_policies",
                  static_cast<int64_t>(table.policies().size()));
  json.Int64Field("total_nodes", static_cast<int64_t>(table.nodes().size()));
}

void WriteAssignmentsOf(const RepeatedPtrField<v1::NodeAssignment>& from,
                        JsonWriter& json) {
  for (const v1::NodeAssignment& assignment : from) {
    json.StringField(assignment.node_name(),
                     assignment.model_id().empty()
                         ? "ERROR: no model can serve this node"
                         : assignment.model_id());
  }
}

// Writes which model serves which node, from `page` on.
absl::Status WriteAllAssignments(const AdminAsked& asked, std::string_view key,
                                 v1::ListAssignmentsResponse page,
                                 JsonWriter& json) {
  json.StartObjectField(key);
  WriteAssignmentsOf(page.assignments(), json);
  while (!page.next_page_token().empty()) {
    v1::ListAssignmentsRequest request;
    request.set_page_token(page.next_page_token());
    page.Clear();
    GATEWAY_RETURN_IF_ERROR(ListAssignments(asked.runtime, request, &page));
    WriteAssignmentsOf(page.assignments(), json);
  }
  json.EndObject();
  return absl::OkStatus();
}

void WritePolicy(const configv1::ModelPolicy& policy, JsonWriter& json) {
  constexpr double kNanosPerMillionIn1k = 1e12;
  json.StartObjectField(policy.id());
  json.StringField("logical_id", policy.id());
  json.StringField("provider", policy.target().provider());
  json.StringField("provider_model_id", policy.target().model());
  const CapabilitySet has = CapabilitiesOf(policy.capabilities());
  CapabilitySet others = has;
  json.StartObjectField("capabilities");
  for (const Capability known : kKnownCapabilities) {
    json.BoolField(CapabilityName(known), (has & known) != 0);
    others &= ~static_cast<CapabilitySet>(known);
  }
  for (const std::string_view name : CapabilityNames(others)) {
    json.BoolField(name, true);
  }
  json.EndObject();
  json.StringField("cost_tier", CostTierName(policy.cost_tier()));
  json.Int64Field("context_window", policy.context_window_tokens());
  const auto write_cost = [&json](std::string_view key,
                                  const std::string& cost) {
    json.DoubleField(key,
                     static_cast<double>(ParseCostPer1k(cost).value_or(0)) /
                         kNanosPerMillionIn1k);
  };
  write_cost("input_cost_per_1k", policy.input_cost_per_1k());
  write_cost("output_cost_per_1k", policy.output_cost_per_1k());
  WriteTexts("fallback_models", policy.fallback_models(), json);
  json.BoolField("admin_overridable", policy.admin_overridable());
  json.EndObject();
}

void WriteModelPerformance(const v1::ModelPerformance& from, JsonWriter& json) {
  json.StartObjectField(from.model_id());
  json.DoubleField("score", from.score());
  const int64_t calls = from.successes() + from.failures();
  if (calls > 0) {
    json.DoubleField("success_rate", from.success_rate());
  } else {
    json.NullField("success_rate");
  }
  if (from.has_average_latency()) {
    json.DoubleField("avg_latency_ms", absl::ToDoubleMilliseconds(
                                           ToAbsl(from.average_latency())));
  } else {
    json.NullField("avg_latency_ms");
  }
  json.Int64Field("total_requests", calls);
  json.EndObject();
}

void WriteRecommendation(const v1::Recommendation& from, JsonWriter& json) {
  json.StartObjectField(
      LowerName(v1::Selection::Strategy_Name(from.strategy()), "STRATEGY_"));
  if (from.has_selection()) {
    json.StringField("model", from.selection().model_id());
    json.StringField("reasoning", from.selection().reasoning());
    json.DoubleField("confidence", from.selection().confidence());
    json.DoubleField("estimated_cost",
                     Dollars(from.selection().estimated_cost_usd_nanos()));
  } else {
    json.StringField("error", from.failure_message());
  }
  json.EndObject();
}

}  // namespace

absl::Status WriteAdminHealth(const AdminAsked& asked,
                              const v1::GetHealthRequest&,
                              const v1::GetHealthResponse& response,
                              JsonWriter& json) {
  WriteHealthFields(response, json);
  WriteAsked(asked, "", json);
  return absl::OkStatus();
}

absl::Status WriteAdminStatus(const AdminAsked& asked,
                              const v1::GetHealthRequest&,
                              const v1::GetHealthResponse& response,
                              JsonWriter& json) {
  json.StartObjectField("gateway_health");
  WriteHealthFields(response, json);
  json.EndObject();
  WriteValidity(asked,
                {.valid = "configuration_valid",
                 .issues = "configuration_issues",
                 .warnings = "configuration_warnings"},
                json);
  v1::ListAssignmentsResponse first;
  GATEWAY_RETURN_IF_ERROR(
      ListAssignments(asked.runtime, v1::ListAssignmentsRequest(), &first));
  GATEWAY_RETURN_IF_ERROR(
      WriteAllAssignments(asked, "current_assignments", first, json));
  WriteAsked(asked, "", json);
  return absl::OkStatus();
}

absl::Status WritePolicies(const AdminAsked&, const v1::ListPoliciesRequest&,
                           const v1::ListPoliciesResponse& response,
                           JsonWriter& json) {
  for (const configv1::ModelPolicy& policy : response.policies()) {
    WritePolicy(policy, json);
  }
  return absl::OkStatus();
}

absl::Status WriteNodeRequirements(
    const AdminAsked&, const v1::ListNodeRequirementsRequest&,
    const v1::ListNodeRequirementsResponse& response, JsonWriter& json) {
  for (const configv1::NodeRequirement& node : response.nodes()) {
    json.StartObjectField(node.name());
    WriteTexts("required_capabilities", node.required_capabilities(), json);
    WriteTexts("preferred_capabilities", node.preferred_capabilities(), json);
    json.Int64Field("min_context_window", node.context_window_tokens_min());
    json.StringField("max_cost_tier", CostTierName(node.cost_tier_max()));
    json.BoolField("reasoning_required", node.reasoning_required());
    json.EndObject();
  }
  return absl::OkStatus();
}

absl::Status WriteAssignments(const AdminAsked& asked,
                              const v1::ListAssignmentsRequest&,
                              const v1::ListAssignmentsResponse& response,
                              JsonWriter& json) {
  GATEWAY_RETURN_IF_ERROR(
      WriteAllAssignments(asked, "assignments", response, json));
  WriteAsked(asked, "", json);
  return absl::OkStatus();
}

absl::Status WriteNodePolicy(const AdminAsked& asked,
                             const v1::UpdateNodePolicyRequest& request,
                             const v1::UpdateNodePolicyResponse& response,
                             JsonWriter& json) {
  const v1::NodeAssignment& now = response.assignment();
  // What was given, also while it does not serve, as one that is disabled.
  const std::string& model =
      request.model_id().empty() ? now.model_id() : request.model_id();
  json.BoolField("success", true);
  json.StringField("node_name", request.node_name());
  if (model.empty()) {
    json.NullField("model_id");
  } else {
    json.StringField("model_id", model);
  }
  json.StringField("mode", request.model_id().empty() ? "default" : "override");
  if (now.override().has_expire_time()) {
    const google::protobuf::Timestamp& end = now.override().expire_time();
    WriteTime(
        "expires_at",
        absl::FromUnixSeconds(end.seconds()) + absl::Nanoseconds(end.nanos()),
        json);
  }
  WriteAsked(asked, "updated_by", json);
  return absl::OkStatus();
}

absl::Status WriteNodePolicies(
    const AdminAsked& asked, const v1::BulkUpdateNodePoliciesRequest& request,
    const v1::BulkUpdateNodePoliciesResponse& response, JsonWriter& json) {
  json.StartObjectField("results");
  for (int i = 0; i < response.results_size(); ++i) {
    const v1::NodePolicyResult& result = response.results(i);
    const bool succeeded = result.failure_message().empty();
    json.StartObjectField(result.node_name());
    json.StringField("status", succeeded ? "success" : "error");
    if (succeeded) {
      json.StringField("model", request.updates(i).model_id());
    } else {
      json.StringField("error", result.failure_message());
    }
    json.EndObject();
  }
  json.EndObject();
  WriteAsked(asked, "updated_by", json);
  return absl::OkStatus();
}

absl::Status WriteReload(const AdminAsked& asked,
                         const v1::ReloadConfigRequest&,
                         const v1::ReloadConfigResponse& response,
                         JsonWriter& json) {
  json.BoolField("success", true);
  json.StringField("message",
                   response.applied_kept()
                       ? "The file has not changed, so the configuration that "
                         "was applied in its place stays in use"
                       : "Configuration reloaded successfully");
  json.BoolField("applied_kept", response.applied_kept());
  json.Int64Field("version", response.version().version());
  json.StartArrayField("changed_fields");
  for (const v1::ConfigChange& change : response.changes()) {
    json.String(change.path());
  }
  json.EndArray();
  json.StartArrayField("warnings");
  for (const v1::ConfigProblem& warning : response.warnings()) {
    json.String(absl::StrCat(warning.path(), ": ", warning.message()));
  }
  json.EndArray();
  WriteAsked(asked, "reloaded_by", json);
  return absl::OkStatus();
}

absl::Status WriteTestSelection(const AdminAsked& asked,
                                const v1::TestSelectionRequest&,
                                const v1::TestSelectionResponse& response,
                                JsonWriter& json) {
  if (!response.has_selection()) {
    return MakeFault(v1::ERROR_REASON_INVALID_REQUEST,
                     response.failure_message());
  }
  const v1::ModelSelection& selection = response.selection();
  json.StringField("selected_model", selection.model_id());
  json.StringField("provider", response.route().provider());
  json.StringField("reasoning", selection.reasoning());
  json.DoubleField("confidence_score", selection.confidence());
  json.DoubleField("estimated_cost",
                   Dollars(selection.estimated_cost_usd_nanos()));
  WriteTexts("alternatives", selection.alternatives(), json);
  WriteTexts("fallback_chain", selection.fallback_chain(), json);
  WriteAsked(asked, "tested_by", json);
  return absl::OkStatus();
}

absl::Status WriteRecommendations(
    const AdminAsked& asked, const v1::GetRecommendationsRequest& request,
    const v1::GetRecommendationsResponse& response, JsonWriter& json) {
  json.StringField("node_name", request.node_name());
  json.StartObjectField("recommendations");
  for (const v1::Recommendation& each : response.recommendations()) {
    WriteRecommendation(each, json);
  }
  json.EndObject();
  v1::GetModelPerformanceResponse performance;
  GATEWAY_RETURN_IF_ERROR(GetModelPerformance(
      asked.runtime, v1::GetModelPerformanceRequest(), &performance));
  json.StartObjectField("performance_data");
  for (const v1::ModelPerformance& model : performance.models()) {
    WriteModelPerformance(model, json);
  }
  json.EndObject();
  WriteAsked(asked, "requested_by", json);
  return absl::OkStatus();
}

absl::Status WriteCostOptimization(
    const AdminAsked& asked, const v1::GetCostOptimizationRequest&,
    const v1::GetCostOptimizationResponse& response, JsonWriter& json) {
  json.Int64Field("total_nodes_analyzed", response.total_nodes_analyzed());
  json.Int64Field("optimization_opportunities", response.opportunities_size());
  json.DoubleField("estimated_savings_per_request",
                   Dollars(response.estimated_savings_usd_nanos_per_request()));
  json.StartObjectField("recommendations");
  for (const v1::CostOpportunity& each : response.opportunities()) {
    const int64_t savings =
        each.current_cost_usd_nanos() - each.recommended_cost_usd_nanos();
    json.StartObjectField(each.node_name());
    json.StringField("current_model", each.current_model_id());
    json.StringField("recommended_model", each.recommended_model_id());
    json.DoubleField("current_cost", Dollars(each.current_cost_usd_nanos()));
    json.DoubleField("optimized_cost",
                     Dollars(each.recommended_cost_usd_nanos()));
    json.DoubleField("savings", Dollars(savings));
    json.EndObject();
  }
  json.EndObject();
  WriteAsked(asked, "requested_by", json);
  return absl::OkStatus();
}

absl::Status WriteCallStatistics(const AdminAsked& asked,
                                 const v1::GetCallStatisticsRequest&,
                                 const v1::GetCallStatisticsResponse& response,
                                 JsonWriter& json) {
  json.Int64Field("request_count", response.request_count());
  json.DoubleField("error_rate", response.error_rate());
  json.DoubleField("avg_latency", absl::ToDoubleMilliseconds(
                                      ToAbsl(response.average_latency())));
  json.DoubleField("cost_per_request",
                   Dollars(response.cost_usd_nanos_per_request()));
  WriteCounts("model_distribution", response.model_distribution(), json);
  WriteCounts("capability_usage", response.capability_usage(), json);
  WriteTime("start_time", ToAbsl(response.start_time()), json);
  WriteAsked(asked, "requested_by", json);
  return absl::OkStatus();
}

absl::Status WriteValidation(const AdminAsked& asked,
                             const v1::GetConfigRequest&,
                             const v1::GetConfigResponse&, JsonWriter& json) {
  WriteValidity(asked,
                {.valid = "valid", .issues = "issues", .warnings = "warnings"},
                json);
  WriteAsked(asked, "validated_by", json);
  return absl::OkStatus();
}

}  // namespace gateway
