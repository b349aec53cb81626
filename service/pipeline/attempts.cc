#include "service/pipeline/attempts.h"

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "service/pipeline/hedged_attempt.h"
#include "service/pipeline/live_attempt.h"
#include "service/pipeline/next_attempt.h"
#include "service/pipeline/provider_policy.h"

namespace gateway {
namespace {

// Returns what the caller hears. A limit that a provider has told, without when
// it may be asked again, is told with the time that it rests for.
absl::Status WithRest(const PlannedCall& call, absl::Status failure) {
  if (FaultReason(failure) != v1::ERROR_REASON_PROVIDER_RATE_LIMITED ||
      RetryDelay(failure).has_value()) {
    return failure;
  }
  const ProviderRegistry::Entry* const provider =
      call.runtime->providers().Find(FaultMetadata(failure, "provider"));
  if (provider == nullptr) return failure;
  const ProviderPolicy& policy = call.runtime->PolicyOf(*provider);
  const absl::Duration rest =
      policy.CredentialsRest(call.loop.Now(), call.BringsCredential(policy));
  if (rest > absl::ZeroDuration() && rest < absl::InfiniteDuration()) {
    SetRetryDelay(failure, rest);
  }
  return failure;
}

}  // namespace

Task<absl::Status> AskTargets(PlannedCall& call, AttemptList& attempts,
                              OpenStream* open) {
  NextAttempt next(call);
  std::optional<AskedTarget> asked = next.First();
  if (asked.has_value() && asked->permit.limits != nullptr) {
    const bool taken = co_await asked->permit.limits->Take(call.loop.Now());
    if (!taken) {
      next.RefuseFirst(*asked);
      asked.reset();
    }
  }
  if (!asked.has_value()) {
    GATEWAY_CO_ASSIGN_OR_RETURN(asked, co_await next.InsteadOfFirst());
  }
  for (;;) {
    const std::optional<absl::Duration> delay =
        HedgeDelay(call, *asked->permit.state);
    Attempt& attempt = attempts.Add();
    LiveAttempt live(call, next, *std::move(asked), attempt);
    const Attempt* failed = &attempt;
    absl::Status outcome;
    if (!live.TakeRequest()) outcome = co_await live.ReadRequest();
    if (outcome.ok() && live.HashesFirst()) co_await live.HashFirst();
    if (outcome.ok() && delay.has_value()) {
      HedgedOutcome hedged =
          co_await SendHedged(call, attempts, next, live, open, *delay);
      outcome = std::move(hedged.status);
      failed = hedged.failed;
    } else {
      if (outcome.ok()) outcome = co_await live.Send(open);
      if (!outcome.ok() && open != nullptr) open->stream.reset();
      outcome = live.End(std::move(outcome));
      if (outcome.ok()) RecordForHedges(call, attempt);
    }
    if (outcome.ok()) co_return outcome;
    absl::StatusOr<AskedTarget> other = co_await next.After(*failed);
    if (!other.ok()) co_return WithRest(call, other.status());
    asked = *std::move(other);
  }
}

}  // namespace gateway
