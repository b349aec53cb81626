// The metrics of rate limits, read when metrics are read:
//
//   llmgw_limit_refusals_total{limit,mode}  calls, or attempts at a target,
//   that
//                                           did not conform; mode: enforce,
//                                           observe
//   llmgw_limit_subjects{limit}             counters from which something is
//                                           taken
//   llmgw_limit_filled_ratio{limit}         of the fullest of them, 0 to 1 and,
//                                           in debt, beyond
//   llmgw_limit_indebted_evictions_total{limit}  counters that gave way to
//                                           others before all had come back
//
//   llmgw_limit_sharing_away                1 while limits that replicas share
//                                           are counted by this one's share,
//                                           and for a second more
//   llmgw_limit_share_decisions_total       what was decided by it
//   llmgw_limit_unleased_total              what had no place among the leases
//   llmgw_limit_redis_requests_total        how often Redis was asked or told
//
// Limits have the names of the configuration; those that keys have are `key`,
// all together.
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_LIMIT_METRICS_H_
#define SERVICE_PIPELINE_LIMIT_METRICS_H_

#include "service/limits/sharing_state.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current`, which must live as long as `registry` is read.
void AddLimitMetrics(const CurrentRuntime& current, MetricRegistry& registry);

// Adds those of sharing. Borrows `state`, likewise.
void AddSharingMetrics(const SharingState& state, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_LIMIT_METRICS_H_
