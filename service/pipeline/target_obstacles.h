// Says whether a target may be asked now, and if not, why: by its circuit, by
// what operators and failures have disabled, and by its provider's credentials.
// Whoever looks without asking goes by this; who asks takes a permit
// (target_permit.h), which refuses for the same reasons.
//
//   ObstacleOf(&target, policy, now, policy.takes_callers_credential);
//
// Thread-safe and lock-free: plain functions.

#ifndef SERVICE_PIPELINE_TARGET_OBSTACLES_H_
#define SERVICE_PIPELINE_TARGET_OBSTACLES_H_

#include <string_view>

#include "absl/time/time.h"
#include "service/pipeline/provider_policy.h"
#include "service/resilience/target_board.h"

namespace gateway {

enum class TargetObstacle {
  kNone,
  kDisabled,  // By an operator, or by its failures.
  kForced,    // An operator has forced its circuit open.
  kRests,     // Its circuit is open.
  kCools,     // All credentials of its provider cool.
  // All credentials of its provider are out: it is asked for want of another.
  kRefused,
};

// Whether it is the target itself that lets no calls through, and not its
// provider's credentials.
inline bool IsOfTarget(TargetObstacle obstacle) {
  return obstacle == TargetObstacle::kDisabled ||
         obstacle == TargetObstacle::kForced ||
         obstacle == TargetObstacle::kRests;
}

// In words, such as `is disabled`; empty for kNone. Valid forever.
std::string_view TextOf(TargetObstacle obstacle);

// Whether the target itself lets calls through, whatever its provider's
// credentials do. `now` is steady, here and below.
inline bool LetsCallsThrough(const TargetState& target, absl::Duration now) {
  return !target.availability.disabled() && target.breaker.IsAskable(now);
}

// Whether one that does not goes on so until somebody acts.
inline bool IsOutOfUse(const TargetState& target, absl::Duration now) {
  return target.availability.disabled() ||
         !target.breaker.RetryAfter(now).has_value();
}

// `target` is null if nothing is known of it. `policy` is that of the target's
// provider; `brings_credential` is as for ProviderPolicy::CredentialsRest.
TargetObstacle ObstacleOf(const TargetState* target,
                          const ProviderPolicy& policy, absl::Duration now,
                          bool brings_credential);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_TARGET_OBSTACLES_H_
