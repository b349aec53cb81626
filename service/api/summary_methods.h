// The handlers of llmgateway.v1.MetricsService that sum calls: what they
// consumed and cost, the latest ones, and what is told of them as they run.
//
//   SummaryMethods summary({.runtime = runtime,
//                           .metrics = registry,
//                           .summary = calls,
//                           .feed = feed,
//                           .worker = worker});
//   summary.AddTo(table);
//   metrics_service.AddTo(table);  // Behind it: says who may call them.
//
// Sums are read and forgotten on the worker's thread.
//
// Thread-safe once added; handlers run on the loops of their calls.

#ifndef SERVICE_API_SUMMARY_METHODS_H_
#define SERVICE_API_SUMMARY_METHODS_H_

#include <atomic>

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/metrics.pb.h"
#include "llmgateway/v1/summary.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/observability/metrics.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "service/summary/call_summary.h"

namespace gateway {

class SummaryMethods {
 public:
  // All are borrowed.
  struct Sources {
    const CurrentRuntime& runtime;
    const MetricRegistry& metrics;
    CallSummary& summary;
    RequestFeed& feed;
    BlockingWorker& worker;
  };

  explicit SummaryMethods(const Sources& sources) : sources_(sources) {}

  SummaryMethods(const SummaryMethods&) = delete;
  SummaryMethods& operator=(const SummaryMethods&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> GetCostSummary(
      CallContext& call, const llmgateway::v1::GetCostSummaryRequest& request,
      llmgateway::v1::GetCostSummaryResponse* response);
  Task<absl::Status> GetCallStatistics(
      CallContext& call,
      const llmgateway::v1::GetCallStatisticsRequest& request,
      llmgateway::v1::GetCallStatisticsResponse* response);
  Task<absl::Status> ListRecentRequests(
      CallContext& call,
      const llmgateway::v1::ListRecentRequestsRequest& request,
      llmgateway::v1::ListRecentRequestsResponse* response);
  Task<absl::Status> ResetMetrics(
      CallContext& call, const llmgateway::v1::ResetMetricsRequest& request,
      llmgateway::v1::ResetMetricsResponse* response);
  Task<absl::Status> StreamMetrics(
      CallContext& call, const llmgateway::v1::StreamMetricsRequest& request,
      MessageWriter& writer);
  Task<absl::Status> WatchUsage(
      CallContext& call, const llmgateway::v1::WatchUsageRequest& request,
      MessageWriter& writer);

  absl::Time Now() const;

  const Sources sources_;
  // Of StreamMetrics.
  std::atomic<int> readers_ = 0;
};

}  // namespace gateway

#endif  // SERVICE_API_SUMMARY_METHODS_H_
