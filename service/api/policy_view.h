// Answers what operators ask about the models that are chosen by what a call
// needs: the policies, which model serves which node, what a strategy would
// choose, and how the calls of models went.
//
//   GATEWAY_RETURN_IF_ERROR(TestSelection(*runtime, request, &response));
//
// What is asked of all nodes goes through all policies for each of them: of a
// thousand of both that takes seconds, so whoever runs on a loop asks OffLoop.
//
// Thread-safe: plain functions, which change nothing and may run on any thread.

#ifndef SERVICE_API_POLICY_VIEW_H_
#define SERVICE_API_POLICY_VIEW_H_

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "llmgateway/v1/policies.pb.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/routing/model_selector.h"
#include "service/routing/selection/model_policy.h"
#include "service/routing/selection/node_overrides.h"

namespace gateway {

// Returns how much work it is to choose among the policies for so many nodes,
// in bytes of OffLoop.
size_t WorkForNodes(const RuntimeSnapshot& runtime, size_t nodes);
// The same for all nodes that are configured or have an override.
size_t WorkForAllNodes(const RuntimeSnapshot& runtime);

// Each answers the rpc of its name, and fails as that does.
absl::Status ListPolicies(const RuntimeSnapshot& runtime,
                          const llmgateway::v1::ListPoliciesRequest& request,
                          llmgateway::v1::ListPoliciesResponse* response);
absl::Status ListNodeRequirements(
    const RuntimeSnapshot& runtime,
    const llmgateway::v1::ListNodeRequirementsRequest& request,
    llmgateway::v1::ListNodeRequirementsResponse* response);
absl::Status ListAssignments(
    const RuntimeSnapshot& runtime,
    const llmgateway::v1::ListAssignmentsRequest& request,
    llmgateway::v1::ListAssignmentsResponse* response);
absl::Status TestSelection(const RuntimeSnapshot& runtime,
                           const llmgateway::v1::TestSelectionRequest& request,
                           llmgateway::v1::TestSelectionResponse* response);
absl::Status GetRecommendations(
    const RuntimeSnapshot& runtime,
    const llmgateway::v1::GetRecommendationsRequest& request,
    llmgateway::v1::GetRecommendationsResponse* response);
absl::Status GetCostOptimization(
    const RuntimeSnapshot& runtime,
    const llmgateway::v1::GetCostOptimizationRequest& request,
    llmgateway::v1::GetCostOptimizationResponse* response);
absl::Status GetModelPerformance(
    const RuntimeSnapshot& runtime,
    const llmgateway::v1::GetModelPerformanceRequest& request,
    llmgateway::v1::GetModelPerformanceResponse* response);

// Fills in which model serves a node, where these are the overrides: one that
// may be asked now, or else one that rests. One that is disabled serves none.
void FillAssignment(const RuntimeSnapshot& runtime,
                    const OverrideSet& overrides, std::string_view node,
                    llmgateway::v1::NodeAssignment* to);

// Returns whom of a selection a call would ask first now: the first that
// nothing stands in the way of; else the first that has refused all
// credentials, since it is asked for want of another; else the chosen one.
const ModelPolicy& AskedFirst(const RuntimeSnapshot& runtime,
                              const RouteSelection& selection);

void FillOverride(const NodeOverride& from, llmgateway::v1::NodeOverride* to);

}  // namespace gateway

#endif  // SERVICE_API_POLICY_VIEW_H_
