// Writes what AdminService answers in the JSON that operators of an earlier
// system know: its names of fields, dollars as numbers, names of enums in lower
// case. Who asked and when stand at the end of each.
//
//   std::string text;
//   JsonWriter json(&text);
//   json.StartObject();
//   GATEWAY_RETURN_IF_ERROR(WriteNodePolicy(asked, request, response, json));
//   json.EndObject();
//
// Each writes the fields of an object that is open, and fails where that system
// answered with an error.
//
// Thread-safe: plain functions.

#ifndef SERVICE_HTTP_ADMIN_ANSWERS_H_
#define SERVICE_HTTP_ADMIN_ANSWERS_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/text/json_writer.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/policies.pb.h"
#include "llmgateway/v1/summary.pb.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

// What answers say beside what was asked for.
struct AdminAsked {
  const RuntimeSnapshot& runtime;
  std::string_view operator_name;  // Empty if operators need no key.
  absl::Time now;
  // What is wrong with the file as it is now, so that it is not in use.
  google::protobuf::RepeatedPtrField<llmgateway::v1::ConfigProblem> refused;
};

absl::Status WriteAdminHealth(const AdminAsked& asked,
                              const llmgateway::v1::GetHealthRequest& request,
                              const llmgateway::v1::GetHealthResponse& response,
                              JsonWriter& json);

// With what WriteValidation says, and which model serves which node.
absl::Status WriteAdminStatus(const AdminAsked& asked,
                              const llmgateway::v1::GetHealthRequest& request,
                              const llmgateway::v1::GetHealthResponse& response,
                              JsonWriter& json);

absl::Status WritePolicies(const AdminAsked& asked,
                           const llmgateway::v1::ListPoliciesRequest& request,
                           const llmgateway::v1::ListPoliciesResponse& response,
                           JsonWriter& json);

absl::Status WriteNodeRequirements(
    const AdminAsked& asked,
    const llmgateway::v1::ListNodeRequirementsRequest& request,
    const llmgateway::v1::ListNodeRequirementsResponse& response,
    JsonWriter& json);

// With all pages, of which the response is the first.
absl::Status WriteAssignments(
    const AdminAsked& asked,
    const llmgateway::v1::ListAssignmentsRequest& request,
    const llmgateway::v1::ListAssignmentsResponse& response, JsonWriter& json);

absl::Status WriteNodePolicy(
    const AdminAsked& asked,
    const llmgateway::v1::UpdateNodePolicyRequest& request,
    const llmgateway::v1::UpdateNodePolicyResponse& response, JsonWriter& json);

// Results are in the order of the request.
absl::Status WriteNodePolicies(
    const AdminAsked& asked,
    const llmgateway::v1::BulkUpdateNodePoliciesRequest& request,
    const llmgateway::v1::BulkUpdateNodePoliciesResponse& response,
    JsonWriter& json);

absl::Status WriteReload(const AdminAsked& asked,
                         const llmgateway::v1::ReloadConfigRequest& request,
                         const llmgateway::v1::ReloadConfigResponse& response,
                         JsonWriter& json);

// INVALID_REQUEST, with why, where nothing would be chosen.
absl::Status WriteTestSelection(
    const AdminAsked& asked,
    const llmgateway::v1::TestSelectionRequest& request,
    const llmgateway::v1::TestSelectionResponse& response, JsonWriter& json);

// With how the calls of all models went.
absl::Status WriteRecommendations(
    const AdminAsked& asked,
    const llmgateway::v1::GetRecommendationsRequest& request,
    const llmgateway::v1::GetRecommendationsResponse& response,
    JsonWriter& json);

absl::Status WriteCostOptimization(
    const AdminAsked& asked,
    const llmgateway::v1::GetCostOptimizationRequest& request,
    const llmgateway::v1::GetCostOptimizationResponse& response,
    JsonWriter& json);

// With latencies in milliseconds.
absl::Status WriteCallStatistics(
    const AdminAsked& asked,
    const llmgateway::v1::GetCallStatisticsRequest& request,
    const llmgateway::v1::GetCallStatisticsResponse& response,
    JsonWriter& json);

// What is wrong with the policies and nodes in use, and with a file that is not
// in use because of that.
absl::Status WriteValidation(const AdminAsked& asked,
                             const llmgateway::v1::GetConfigRequest& request,
                             const llmgateway::v1::GetConfigResponse& response,
                             JsonWriter& json);

}  // namespace gateway

#endif  // SERVICE_HTTP_ADMIN_ANSWERS_H_
