// Counts a call that has ended for the conditions of alerts.
//
//   RecordForAlerts(record, shard);
//
// A call fails that the gateway or a provider has failed: not one whose caller,
// or a rule of operators, is why. Of callers who are not known nothing counts:
// whoever shows no key could hide failures among his own. What a call has cost
// is exact, with all of its attempts.
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
