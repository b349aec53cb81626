// ProviderPolicy is what one configuration says of attempts at one provider,
// and whom to ask what is known of it: how a failed attempt is repeated, which
// credential the next one takes, how many may be under way, and for how long.
//
//   const ProviderPolicy& policy = runtime.PolicyOf(*target.provider);
//   policy.Of(target.upstream_model).retry.DelayAfter(...);
//
// Thread contract: immutable but for what it points to, which is thread-safe.

#ifndef SERVICE_PIPELINE_PROVIDER_POLICY_H_
#define SERVICE_PIPELINE_PROVIDER_POLICY_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "providers/registry/registry.h"
#include "service/config/snapshot.h"
#include "service/pipeline/credential_limits.h"
#include "service/resilience/credential_pool.h"
#include "service/resilience/deadline_split.h"
#include "service/resilience/provider_board.h"
#include "service/resilience/resilience_state.h"
#include "service/resilience/retry.h"

namespace gateway {

// What holds for attempts at one model.
struct TargetPolicy {
  RetryPolicy retry;
  // What the gateway watches itself. What the client for HTTP keeps to by
  // itself, as far as the caller's deadline does not make it shorter, is not
  // limited here.
  AttemptLimits limits;
  // In place of the destination's, by whether the answer comes as a stream;
  // zero to leave those.
  absl::Duration first_byte = absl::ZeroDuration();
  absl::Duration stream_first_byte = absl::ZeroDuration();
  // Null where as many attempts as there are may be under way.
  std::shared_ptr<ProviderLoad> load;
  int concurrent_attempts_limit = 0;
};

struct ProviderPolicy {
  const TargetPolicy& Of(std::string_view upstream_model) const {
    if (of_model.empty()) return common;
    const auto found = of_model.find(upstream_model);
    return found == of_model.end() ? common : found->second;
  }

  // How long none of the configured credentials is to be sent yet: infinite if
  // the provider has refused them all, zero if one is, none is needed, or the
  // call has, or may have, one of its caller's own that the provider takes
  // (`brings_credential`). `now` is steady.
  absl::Duration CredentialsRest(absl::Duration now,
                                 bool brings_credential) const;

  // Of the models that have nothing of their own; without a limit of attempts.
  TargetPolicy common;
  std::map<std::string, TargetPolicy, std::less<>> of_model;

  // The configured credentials; null if there are none.
  std::shared_ptr<CredentialPool> credentials;
  // How many attempts each of them takes at once, by the pool's numbers; null
  // if that is not found out.
  std::shared_ptr<const CredentialLimits> credential_limits;
  // The caller may bring one of its own.
  bool takes_callers_credential = false;
  // Of all models together. Null as above.
  std::shared_ptr<ProviderLoad> load;
  int concurrent_attempts_limit = 0;
};

// Returns the policies of all providers, in the order of the registry. What is
// known of their credentials comes from `state`, which must outlive them, and
// from `limits_before`: those that the provider of that name has now, or null.
std::vector<ProviderPolicy> MakeProviderPolicies(
    const ConfigSnapshot& config, const ProviderRegistry& providers,
    ResilienceState& state,
    absl::FunctionRef<const CredentialLimits*(std::string_view provider)>
        limits_before);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_PROVIDER_POLICY_H_
