// The handlers of llmgateway.v1.MetricsService: what the gateway counts, and
// what it has just done.
//
//   MetricsService metrics({.runtime = runtime,
//                           .metrics = registry,
//                           .history = history,
//                           .feed = feed,
//                           .worker = worker});
//   metrics.AddTo(table);
//
// Where keys are asked for, they are asked for here too. The service answers
// while the server drains, and does not hold that up. What was added in a
// window of time is summed on the worker's thread.
//
// Thread-safe once added; handlers run on the loops of their calls.

#ifndef SERVICE_API_METRICS_SERVICE_H_
#define SERVICE_API_METRICS_SERVICE_H_

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/metrics.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/observability/metric_history.h"
#include "service/observability/metrics.h"
#include "service/observability/refusal_log.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

class MetricsService {
 public:
  // All are borrowed.
  struct Sources {
    const CurrentRuntime& runtime;
    const MetricRegistry& metrics;
    MetricHistory& history;
    RequestFeed& feed;
    BlockingWorker& worker;
    RefusalLog* refusals = nullptr;  // Null if refusals are not recorded.
  };

  explicit MetricsService(const Sources& sources) : sources_(sources) {}

  MetricsService(const MetricsService&) = delete;
  MetricsService& operator=(const MetricsService&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> GetMetrics(
      CallContext& call, const llmgateway::v1::GetMetricsRequest& request,
      llmgateway::v1::GetMetricsResponse* response);
  Task<absl::Status> Scrape(CallContext& call,
                            llmgateway::v1::ScrapeResponse* response);
  Task<absl::Status> WatchRequests(
      CallContext& call, const llmgateway::v1::WatchRequestsRequest& request,
      MessageWriter& writer);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_METRICS_SERVICE_H_
