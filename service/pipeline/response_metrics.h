// The metrics of answers that callers can ask for again, read when metrics are
// read:
//
//   llmgw_response_store_entries          answers that are kept, or that this
//                                         process has kept in the store
//   llmgw_response_store_bytes            what they take
//   llmgw_response_store_evictions_total  that were dropped before their time,
//                                         for want of room
//
//   llmgw_responses_not_kept_total{reason}
//       store             the store could not be reached, or is full: nobody
//                         can go on from the answer
//       too_large         larger than response_store.size_bytes_limit: the same
//       record_too_large  larger than a record of the store: kept in memory
//
//   AddResponseMetrics(responses, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_RESPONSE_METRICS_H_
#define SERVICE_PIPELINE_RESPONSE_METRICS_H_

#include "service/observability/metrics.h"
#include "service/pipeline/response_store.h"

namespace gateway {

// Borrows `responses`, which must live as long as `registry` is read.
void AddResponseMetrics(ResponseStore& responses, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_RESPONSE_METRICS_H_
