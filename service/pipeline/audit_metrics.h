// The metrics of the audit log, read when metrics are read:
//
//   llmgw_audit_entries_total         entries of calls that are written
//   llmgw_audit_dropped_total         that are lost, for want of room to wait
//   llmgw_audit_bodies_dropped_total  that are kept without their bodies, for
//                                     the same reason
//   llmgw_audit_refusals_left_out_total         refusals that are to have none,
//   llmgw_audit_unknown_callers_left_out_total  of callers who are known and
//                                               who are not
//   llmgw_audit_deleted_total         entries whose time was over
//   llmgw_audit_write_failures_total  commits that failed, and are tried again
//   llmgw_audit_waiting               entries that wait to be written, now
//
//   AddAuditMetrics(audit_log, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_AUDIT_METRICS_H_
#define SERVICE_PIPELINE_AUDIT_METRICS_H_

#include "service/audit/audit_log.h"
#include "service/observability/metrics.h"

namespace gateway {

// Borrows `audit`, which must live as long as `registry` is read.
void AddAuditMetrics(const AuditLog& audit, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_AUDIT_METRICS_H_
