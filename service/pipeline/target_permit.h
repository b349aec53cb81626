// TargetPermit is the right to make one attempt at a target: its breaker lets
// it through, a credential of its provider is usable and takes one more at
// once, and fewer attempts than may be are under way with the provider. Its
// rate limits, which may have to be asked of a Redis, are taken last:
//
//   TargetRefusal refusal;
//   std::optional<TargetPermit> permit =
//       AcquireTarget(call, target, TargetResort::kOrdinary, &refusal);
//   if (!permit.has_value()) return refusal.status;
//   if (permit->limits != nullptr) {
//     const bool taken = co_await permit->limits->Take(call.loop.Now());
//     if (!taken) return RefusalByLimits(target, *permit->limits);
//   }
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_TARGET_PERMIT_H_
#define SERVICE_PIPELINE_TARGET_PERMIT_H_

#include <cstddef>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/budgets/budget_charges.h"
#include "service/limits/limit_charges.h"
#include "service/overload/gradient_limit.h"
#include "service/pipeline/call.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/pipeline/target_obstacles.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/credential_pool.h"
#include "service/resilience/provider_board.h"
#include "service/resilience/target_board.h"

namespace gateway {

struct TargetPermit {
  CircuitBreaker::Permit breaker;
  TargetState* state = nullptr;
  // With the provider, and with its model.
  ProviderPlace place;
  ProviderPlace model_place;
  // What it is to take of the limits of the target; null if there are none.
  std::unique_ptr<LimitCharges> limits;
  // Of budgets of the target, once NextAttempt has reserved it; null if that is
  // nothing.
  BudgetReservation budgets;
  // Whose credential is sent, and which; null if none of the configured ones
  // is.
  CredentialPool* credentials = nullptr;
  size_t credential = 0;
  // Its limit of attempts at once, and the place among them; null where it has
  // none.
  GradientLimit* credential_limit = nullptr;
  std::optional<GradientLimit::Place> credential_place;
  // It was out, and is tried for want of another target: if it serves, it is in
  // again.
  bool last_resort = false;
};

// Why a target is not asked.
struct TargetRefusal {
  // MODEL_DISABLED, CIRCUIT_OPEN, PROVIDER_RATE_LIMITED, PROVIDER_AUTH_FAILED
  // or OVERLOADED, with the wait after which that may be over, as far as it is
  // known: what an operator has done, has none.
  absl::Status status;
  // It may be asked as a last resort.
  bool has_last_resort = false;
};

// What a caller is told of a target that has the obstacle; only of the breaker
// and the credentials it asks how long that lasts. REQUIRES: it has one.
absl::Status RefusalOf(const RuntimeSnapshot& runtime,
                       const PlannedTarget& target, TargetObstacle obstacle,
                       absl::Duration now);

enum class TargetResort { kOrdinary, kLast };

// `refusal` is set only if there is no permit. Whatever is found out about the
// target is said of `call`'s present moment. Of its provider's credentials
// those of the indices in `without` are not taken.
std::optional<TargetPermit> AcquireTarget(
    const PlannedCall& call, const PlannedTarget& target, TargetResort resort,
    TargetRefusal* refusal, absl::Span<const size_t> without = {});

}  // namespace gateway

#endif  // SERVICE_PIPELINE_TARGET_PERMIT_H_
