// Writes metrics as the contract has them, and says why they cannot be watched.
//
//   GATEWAY_RETURN_IF_ERROR(CheckMetricNames(request.names()));
//   GATEWAY_RETURN_IF_ERROR(CheckMetricWindow(request));
//   FillMetrics(registry.Read(), request.names(), response);
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_METRICS_VIEW_H_
#define SERVICE_API_METRICS_VIEW_H_

#include <string>

#include "absl/status/status.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/metrics.pb.h"
#include "service/observability/metrics.h"

namespace gateway {

using MetricNames = google::protobuf::RepeatedPtrField<std::string>;

// INVALID_REQUEST if there are too many.
absl::Status CheckMetricNames(const MetricNames& names);

// INVALID_REQUEST if it has a window that is out of its range.
absl::Status CheckMetricWindow(
    const llmgateway::v1::GetMetricsRequest& request);

// Fills in those of the families that have one of these names; all if there is
// none. REQUIRES: `out` is empty.
void FillMetrics(const MetricsSnapshot& snapshot, const MetricNames& names,
                 llmgateway::v1::GetMetricsResponse* out);

// The fault for sums that their worker has not begun to make; `run` is what it
// has said.
absl::Status SumsNotRead(const absl::Status& run);

// The fault for what the feed of calls refuses; `status` is what it has said.
absl::Status FeedRefusal(const absl::Status& status);
// The fault that ends who watches a feed that is closed.
absl::Status FeedClosed();

}  // namespace gateway

#endif  // SERVICE_API_METRICS_VIEW_H_
