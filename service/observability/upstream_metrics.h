// The metrics of connections to providers, read when metrics are read:
//
//   llmgw_upstream_connections{state}  active: carries a call, or is
//                                      opened for one; idle: waits for one
//   llmgw_upstream_http2_streams       calls, many of which share a connection
//
//   AddUpstreamMetrics(client.shared_stats(), registry);  // For each client.
//
// Thread-safe: a plain function.

#ifndef SERVICE_OBSERVABILITY_UPSTREAM_METRICS_H_
#define SERVICE_OBSERVABILITY_UPSTREAM_METRICS_H_

#include <memory>

#include "base/http/http_client_stats.h"
#include "service/observability/metrics.h"

namespace gateway {

// Adds the metrics of a client, which may be destroyed before the registry.
void AddUpstreamMetrics(std::shared_ptr<const HttpClientStats> stats,
                        MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_UPSTREAM_METRICS_H_
