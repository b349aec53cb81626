// ResilienceState is what has been learned of providers while calls ran, and
// outlives the configurations under which it was: breakers and latencies of
// targets, which of them are disabled or ejected, credentials that cool, and
// how many retries are under way.
//
// Thread-safe.

#ifndef SERVICE_RESILIENCE_RESILIENCE_STATE_H_
#define SERVICE_RESILIENCE_RESILIENCE_STATE_H_

#include "absl/time/time.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/resilience/outlier_groups.h"
#include "service/resilience/provider_board.h"
#include "service/resilience/retry_budget.h"
#include "service/resilience/target_board.h"

namespace gateway {

class ResilienceState {
 public:
  // REQUIRES: defaults have been applied, here and below.
  explicit ResilienceState(const llmgateway::config::v1::GatewayConfig& config);

  // What has been learned stays; what follows from it is by `config`. `now` is
  // steady.
  void Apply(const llmgateway::config::v1::GatewayConfig& config,
             absl::Duration now);

  TargetBoard targets;
  ProviderBoard providers;
  OutlierGroups outliers;
  RetryBudget retry_budget;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RESILIENCE_STATE_H_
