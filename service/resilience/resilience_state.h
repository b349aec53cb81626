// ResilienceState is what has been learned of providers while calls ran, and
// outlives the configurations under which it was: breakers and latencies of
// targets, which of them are disabled or ejected, credentials that cool, and
// how many retries are under way.
//
// It goes by the names of providers, but what is learned is of who answers: of
// a provider that a configuration has no more it is forgotten, and it begins
// anew with one that is of another kind now, or at another `base_url`. What
// operators have said stays, for when the provider is back. Calls that still
// run under the configuration before keep what they have found.
//
// Thread-safe.

#ifndef SERVICE_RESILIENCE_RESILIENCE_STATE_H_
#define SERVICE_RESILIENCE_RESILIENCE_STATE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/os/mutex.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/resilience/epochs.h"
#include "service/resilience/outlier_groups.h"
#include "service/resilience/provider_board.h"
#include "service/resilience/retry_budget.h"
#include "service/resilience/target_board.h"

namespace gateway {

class ResilienceState {
 public:
  // REQUIRES: defaults have been applied, here and below.
  explicit ResilienceState(const llmgateway::config::v1::GatewayConfig& config);

  // What has been learned of providers that are the same stays; what follows
  // from it is by `config`. `now` is steady. Whoever lets calls run under
  // `config` holds the result as long: it keeps what they may have found if a
  // later configuration has it forgotten.
  [[nodiscard]] std::shared_ptr<const void> Apply(
      const llmgateway::config::v1::GatewayConfig& config, absl::Duration now)
      LOCKS_EXCLUDED(mu_);

  TargetBoard targets;
  ProviderBoard providers;
  OutlierGroups outliers;
  RetryBudget retry_budget;

 private:
  // Where providers answer, by name.
  using Destinations = std::map<std::string, std::string, std::less<>>;

  static Destinations DestinationsOf(
      const llmgateway::config::v1::GatewayConfig& config);

  // Forgets who is not in `next`, or is another there.
  void Forget(Destinations next, absl::Duration now)
      EXCLUSIVE_LOCKS_REQUIRED(mu_);

  Epochs epochs_;

  // Held while a configuration is applied.
  Mutex mu_;
  Destinations destinations_ GUARDED_BY(mu_);
};

// Returns where a provider answers, and as what: another text if it may be
// somebody else who does.
std::string DestinationOf(
    const llmgateway::config::v1::ProviderConfig& provider);

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RESILIENCE_STATE_H_
