// The metrics of the process itself, read when metrics are read:
//
//   process_cpu_seconds_total, process_start_time_seconds,
//   process_resident_memory_bytes, process_virtual_memory_bytes,
//   process_open_fds, process_max_fds, process_threads,
//   llmgw_allocated_memory_bytes,
//   llmgw_build_info{version}, llmgw_log_lines_dropped_total,
//   llmgw_access_log_dropped_total
//
//   AddProcessMetrics({.version = "1.2.3", .access_log = access_log.get()},
//                     clock, registry);
//
// Thread-compatible: a plain function, called once when the service starts.

#ifndef SERVICE_OBSERVABILITY_PROCESS_METRICS_H_
#define SERVICE_OBSERVABILITY_PROCESS_METRICS_H_

#include <string_view>

#include "base/os/clock.h"
#include "service/observability/access_log.h"
#include "service/observability/metrics.h"

namespace gateway {

struct ProcessMetricsOptions {
  std::string_view version;
  // Null for none; otherwise must outlive the registry.
  const AccessLog* access_log = nullptr;
};

void AddProcessMetrics(const ProcessMetricsOptions& options, Clock& clock,
                       MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_PROCESS_METRICS_H_
