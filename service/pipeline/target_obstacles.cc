#include "service/pipeline/target_obstacles.h"

namespace gateway {

std::string_view TextOf(TargetObstacle obstacle) {
  switch (obstacle) {
    case TargetObstacle::kDisabled:
      return "is disabled";
    case TargetObstacle::kForced:
      return "an operator has forced its circuit open";
    case TargetObstacle::kRests:
      return "rests: its circuit is open";
    case TargetObstacle::kCools:
      return "waits until its rate limit lets it be asked";
    case TargetObstacle::kRefused:
      return "has refused all credentials, and is asked only for want of "
             "another";
    case TargetObstacle::kNone:
      break;
  }
  return {};
}

TargetObstacle ObstacleOf(const TargetState* target,
                          const ProviderPolicy& policy, absl::Duration now,
                          bool brings_credential) {
  if (target != nullptr && !LetsCallsThrough(*target, now)) {
    if (target->availability.disabled()) return TargetObstacle::kDisabled;
    return target->breaker.RetryAfter(now).has_value()
               ? TargetObstacle::kRests
               : TargetObstacle::kForced;
  }
  const absl::Duration rest = policy.CredentialsRest(now, brings_credential);
  if (rest == absl::ZeroDuration()) return TargetObstacle::kNone;
  return rest == absl::InfiniteDuration() ? TargetObstacle::kRefused
                                          : TargetObstacle::kCools;
}

}  // namespace gateway
