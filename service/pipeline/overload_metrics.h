// The metrics of what limits calls, read when metrics are read; none while the
// configuration limits nothing:
//
//   llmgw_overload_active_calls
//   llmgw_overload_calls_limit                  if there is one
//   llmgw_overload_waiting_calls{priority}
//   llmgw_overload_waited_calls_total{priority} got a place after a wait
//   llmgw_overload_shed_calls_total{priority,reason}
//                                   too_many_wait, waited_too_long, memory
//   llmgw_memory_pressure           0 normal, 1 elevated, 2 critical
//   llmgw_memory_fill_ratio         the share of the hard limit in use
//
//   AddOverloadMetrics(current_runtime, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_OVERLOAD_METRICS_H_
#define SERVICE_PIPELINE_OVERLOAD_METRICS_H_

#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current`, which must live as long as `registry` is read.
void AddOverloadMetrics(const CurrentRuntime& current,
                        MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_OVERLOAD_METRICS_H_
