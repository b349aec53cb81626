#include "service/observability/charged_cost.h"

namespace gateway {

std::optional<int64_t> ChargedNanos(const llmgateway::v1::Usage& usage) {
  if (!usage.cost_known() && usage.cost_usd_nanos() == 0) return std::nullopt;
  return usage.cost_usd_nanos();
}

}  // namespace gateway
