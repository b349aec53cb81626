#include "service/pipeline/alert_record.h"

#include <cstdint>

#include "service/observability/charged_cost.h"
#include "service/observability/consumed_usage.h"
#include "service/observability/service_outcome.h"

namespace gateway {

void RecordForAlerts(const CallRecord& record, AlertShard& shard) {
  const int64_t charged = ChargedNanos(ConsumedUsage(record)).value_or(0);
  const ServiceOutcome outcome = ServiceOutcomeOf(record);
  AlertCall call = {.failed = outcome == ServiceOutcome::kProviderFailed ||
                              outcome == ServiceOutcome::kGatewayFailed,
                    .cost_usd_nanos = charged};
  if (outcome == ServiceOutcome::kAnswered) call.took = record.duration;
  shard.Count(call);
}

}  // namespace gateway
