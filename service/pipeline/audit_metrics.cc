#include "service/pipeline/audit_metrics.h"

namespace gateway {
namespace {

constexpr MetricDefinition kAuditEntries = {
    .name = "llmgw_audit_entries_total",
    .help = "Entries of calls that the audit log has written.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAuditDropped = {
    .name = "llmgw_audit_dropped_total",
    .help = "Entries that the audit log has lost, for want of room to wait.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAuditLeftOut = {
    .name = "llmgw_audit_refusals_left_out_total",
    .help =
        "Refusals of callers who are known that have no entry in the audit "
        "log, beyond audit.refusals_per_second.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAuditUnknownLeftOut = {
    .name = "llmgw_audit_unknown_callers_left_out_total",
    .help =
        "Refusals of callers who are not known that have no entry in the "
        "audit log, beyond audit.unknown_callers_per_second.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAuditBodiesDropped = {
    .name = "llmgw_audit_bodies_dropped_total",
    .help =
        "Entries that the audit log has kept without their bodies, for want of "
        "room to wait.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAuditDeleted = {
    .name = "llmgw_audit_deleted_total",
    .help =
        "Entries that the audit log has deleted, since their time was over.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAuditFailures = {
    .name = "llmgw_audit_write_failures_total",
    .help = "Commits of the audit log that failed, and are tried again.",
    .kind = MetricKind::kCounter};
constexpr MetricDefinition kAuditWaiting = {
    .name = "llmgw_audit_waiting",
    .help = "Entries that wait to be written into the audit log.",
    .kind = MetricKind::kGauge};

}  // namespace

void AddAuditMetrics(const AuditLog& audit, MetricRegistry& registry) {
  registry.AddCollector([&audit](MetricRegistry::Values& values) {
    const AuditLog::Counts counts = audit.counts();
    values.Add(kAuditEntries, {}, static_cast<double>(counts.written));
    values.Add(kAuditDropped, {}, static_cast<double>(counts.dropped));
    values.Add(kAuditLeftOut, {}, static_cast<double>(counts.left_out));
    values.Add(kAuditUnknownLeftOut, {},
               static_cast<double>(counts.unknown_left_out));
    values.Add(kAuditBodiesDropped, {}, static_cast<double>(counts.bodiless));
    values.Add(kAuditDeleted, {}, static_cast<double>(counts.deleted));
    values.Add(kAuditFailures, {}, static_cast<double>(counts.failures));
    values.Add(kAuditWaiting, {}, static_cast<double>(counts.waiting));
  });
}

}  // namespace gateway
