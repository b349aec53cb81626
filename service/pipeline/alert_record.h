// Counts a call that has ended for the conditions of alerts.
//
//   RecordForAlerts(record, shard);
//
// Which calls count as answered or failed, service_outcome.h says: none that is
// for nothing, since whoever makes many of those could hide failures, or slow
// answers, among his own. What a call has cost is exact, with all of its
// attempts.
//
// Thread contract: that of the shard.

#ifndef SERVICE_PIPELINE_ALERT_RECORD_H_
#define SERVICE_PIPELINE_ALERT_RECORD_H_

#include "service/alerts/alert_counts.h"
#include "service/observability/call_record.h"

namespace gateway {

void RecordForAlerts(const CallRecord& record, AlertShard& shard);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_ALERT_RECORD_H_
