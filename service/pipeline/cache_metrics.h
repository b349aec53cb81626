// The metrics of answers that are not asked for twice, read when metrics are
// read. Each is there where what it tells of is configured:
//
//   llmgw_cache_lookups_total{store,result}  how often an answer was looked
//                                            for; result: hit, miss; of Redis
//                                            unreadable, failed, away, too
//   llmgw_cache_kept_total{store}            answers that were kept
//   llmgw_cache_dropped_total{store,reason}  answers that are not, or no
//   longer,
//                                            kept; reason: room, memory,
//                                            expired, size; failed, which Redis
//                                            did not take
//   llmgw_cache_entries{store}               answers that are kept
//   llmgw_cache_bytes{store}                 what they take
//
//   llmgw_idempotency_keys{state}            state: running, ended
//   llmgw_idempotency_bytes                  what they take, with their answers
//   llmgw_idempotency_replays_total{state}   calls that were not the first of
//                                            their key, by what that was then
//   llmgw_idempotency_refusals_total{reason} reason: mismatch, room, store
//   llmgw_idempotency_answers_dropped_total  before their time, for want of
//                                            room
//
//   llmgw_idempotency_waiting                calls that wait for another
//                                            replica's
//   llmgw_idempotency_untold_ends            ends that Redis does not have yet
//   llmgw_idempotency_lost_ends_total        ends that it could not be told
//
//   llmgw_coalescing_groups                  calls that others may join
//   llmgw_coalescing_joined_total            calls that have joined another
//
//   llmgw_resumable_streams                  streams that can be gone on with
//   llmgw_resumable_streams_refused_total    streams that cannot, for want of
//                                            room
//   llmgw_stream_resumptions_total{result}   callers that came back; result:
//                                            found, not_found
//
// `store` is `memory`, and `redis` with what this process has asked and written
// there; how much Redis has it tells itself. A cache that is configured
// otherwise begins anew in memory, and its counters with it.
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_CACHE_METRICS_H_
#define SERVICE_PIPELINE_CACHE_METRICS_H_

#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current`, which must live as long as `registry` is read.
void AddCacheMetrics(const CurrentRuntime& current, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CACHE_METRICS_H_
