// Reads what operators ask by HTTP into the requests of AdminService: the JSON
// of an earlier system, field by field.
//
//   v1::UpdateNodePolicyRequest request;
//   GATEWAY_RETURN_IF_ERROR(ReadNodePolicy(
//       {.node = "writer", .body = R"({"model_id": "sonnet", "ttl": 3600})"},
//       &request));
//
// Every field that is not known, is given twice, or has another type is an
// INVALID_REQUEST that names it; whether the values can be used AdminService
// says.
//
// Thread-safe: plain functions.

#ifndef SERVICE_HTTP_ADMIN_REQUESTS_H_
#define SERVICE_HTTP_ADMIN_REQUESTS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/admin.pb.h"
#include "llmgateway/v1/policies.pb.h"
#include "llmgateway/v1/summary.pb.h"
#include "llmgateway/v1/traces.pb.h"
#include "service/pipeline/batch_size.h"

namespace gateway {

// What is particular to one request.
struct AdminQuestion {
  // The node or the trace that its path names; empty if that names none.
  std::string node;
  std::string_view body;   // Empty for those that have none.
  std::string_view query;  // Without the question mark.
};

// Has a listing begin with as many as there may be.
template <typename Request>
absl::Status ReadListing(const AdminQuestion&, Request* request) {
  request->set_page_size(kPageSizeMax);
  return absl::OkStatus();
}

// Reads a question that says nothing but its path.
template <typename Request>
absl::Status ReadPathAlone(const AdminQuestion&, Request*) {
  return absl::OkStatus();
}

// `{"model_id", "mode", "ttl"}`: the mode `override` gives the model to the
// node, for `ttl` seconds, and `default` takes it back.
absl::Status ReadNodePolicy(const AdminQuestion& from,
                            llmgateway::v1::UpdateNodePolicyRequest* to);

// `{"updates": {node: model_id}, "mode": "override"}`.
absl::Status ReadNodePolicies(
    const AdminQuestion& from,
    llmgateway::v1::BulkUpdateNodePoliciesRequest* to);

// Nothing, or an object without fields.
absl::Status ReadReload(const AdminQuestion& from,
                        llmgateway::v1::ReloadConfigRequest* to);

// `{"node_name", "capabilities", "strategy", "tier", "cost_tier_override"}`.
// `tier` is one of that system's and decides nothing, as it did there.
absl::Status ReadTestSelection(const AdminQuestion& from,
                               llmgateway::v1::TestSelectionRequest* to);

absl::Status ReadRecommendations(const AdminQuestion& from,
                                 llmgateway::v1::GetRecommendationsRequest* to);

// `hours` in the query.
absl::Status ReadCallStatistics(const AdminQuestion& from,
                                llmgateway::v1::GetCallStatisticsRequest* to);

// `limit`, 1 to 500 or else 50, and `hours`, 1 to 168 or else 1, of the query.
absl::Status ReadTraceList(const AdminQuestion& from,
                           llmgateway::v1::ListTracesRequest* to);

absl::Status ReadTrace(const AdminQuestion& from,
                       llmgateway::v1::GetTraceRequest* to);

// `hours`, 1 to 24 or else 24, of the query.
absl::Status ReadTraceMetrics(const AdminQuestion& from,
                              llmgateway::v1::GetTraceMetricsRequest* to);

}  // namespace gateway

#endif  // SERVICE_HTTP_ADMIN_REQUESTS_H_
