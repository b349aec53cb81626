// All that the runtime in use tells in metrics, beside what calls count: of
// circuits, limits, overload, who shows who it is, and issuers of tokens.
//
//   AddRuntimeMetrics(current_runtime, model_labels_limit, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_RUNTIME_METRICS_H_
#define SERVICE_PIPELINE_RUNTIME_METRICS_H_

#include <cstddef>

#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current` and what its ports have, which must live as long as
// `registry` is read. Of so many models circuits are told.
void AddRuntimeMetrics(const CurrentRuntime& current, size_t model_labels_limit,
                       MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RUNTIME_METRICS_H_
