#include "service/pipeline/alert_record.h"

#include <cstdint>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "service/observability/charged_cost.h"
#include "service/observability/fault_party.h"

namespace gateway {
namespace {

bool IsFailure(const CallRecord& record) {
  if (record.status_code == absl::StatusCode::kOk) return false;
  const bool callers_credential =
      !record.attempts.empty() &&
      record.attempts.back()->credential == kCallersCredential;
  const FaultParty party = PartyAtFault(record.error_reason, callers_credential,
                                        record.waits_for_operator);
  return party == FaultParty::kProvider || party == FaultParty::kGateway;
}

int64_t CostOfAttempts(const CallRecord& record) {
  // What was made for another call costs nothing again.
  int64_t nanos =
      record.answer_of.empty() ? ChargedNanos(*record.usage).value_or(0) : 0;
  for (const CallAttempt* const attempt : record.attempts) {
    if (attempt->replaced || attempt->usage == nullptr ||
        attempt->usage == record.usage) {
      continue;
    }
    nanos = AddCharges(nanos, ChargedNanos(*attempt->usage).value_or(0));
  }
  return nanos;
}

}  // namespace

void RecordForAlerts(const CallRecord& record, AlertShard& shard) {
  if (record.status_code == absl::StatusCode::kUnauthenticated &&
      record.attempts.empty()) {
    return;
  }
  AlertCall call = {.failed = IsFailure(record),
                    .cost_usd_nanos = CostOfAttempts(record)};
  if (record.status_code == absl::StatusCode::kOk) call.took = record.duration;
  shard.Count(call);
}

}  // namespace gateway
