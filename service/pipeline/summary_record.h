// Counts a call that has ended among the sums of all calls, and remembers it
// among the latest.
//
//   RecordInSummary(record, capabilities, shard);
//
// The call is counted at the provider and the model that it was sent to last,
// what its attempts consumed at their own. A call of which nobody is known has
// no names: whoever shows no key could fill the sums with them.
//
// Thread contract: that of the shard.

#ifndef SERVICE_PIPELINE_SUMMARY_RECORD_H_
#define SERVICE_PIPELINE_SUMMARY_RECORD_H_

#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "service/routing/selection/model_capability.h"
#include "service/summary/call_summary.h"

namespace gateway {

// `capabilities` are those that the call asked for.
void RecordInSummary(const CallRecord& record, CapabilitySet capabilities,
                     const CallSummary::Shard& shard);

// Metrics of the sums:
//
//   llmgw_summary_failed_writes_total   the file could not be written; tried
//                                       again a second later
//
// Borrows `summary`, which must live as long as `registry` is read.
void AddSummaryMetrics(const CallSummary& summary, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_SUMMARY_RECORD_H_
