// Metrics of the keys that operators issue, where they may:
//
//   llmgw_issued_keys{state}    active, expired ones among them; disabled;
//                               revoked, for as long as they are listed
//   llmgw_issued_keys_limit     how many there may be that are not revoked
//
//   AddIssuedKeyMetrics(current, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_ISSUED_KEY_METRICS_H_
#define SERVICE_PIPELINE_ISSUED_KEY_METRICS_H_

#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current`, which must live as long as `registry` is read.
void AddIssuedKeyMetrics(const CurrentRuntime& current,
                         MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ISSUED_KEY_METRICS_H_
