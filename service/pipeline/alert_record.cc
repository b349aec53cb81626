#include "service/pipeline/alert_record.h"

#include <cstdint>

#include "service/observability/charged_cost.h"
#include "service/observability/service_outcome.h"

namespace gateway {
namespace {

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
  const ServiceOutcome outcome = ServiceOutcomeOf(record);
  AlertCall call = {.failed = outcome == ServiceOutcome::kProviderFailed ||
                              outcome == ServiceOutcome::kGatewayFailed,
                    .cost_usd_nanos = CostOfAttempts(record)};
  if (outcome == ServiceOutcome::kAnswered) call.took = record.duration;
  shard.Count(call);
}

}  // namespace gateway
