#include "service/pipeline/target_permit.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/pipeline/provider_policy.h"

namespace gateway {
namespace {

// When a caller may try again who met a provider that has its hands full.
constexpr absl::Duration kFullWait = absl::Seconds(1);

// What the caller hears of a target that is not asked, unless another answers.
absl::Status NotAsked(v1::ErrorReason reason, const PlannedTarget& target,
                      std::string_view why,
                      std::optional<absl::Duration> wait) {
  absl::Status fault = MakeFault(
      reason, absl::StrCat("provider '", target.provider->name, "', model '",
                           ToAbsl(target.recorded_model), "', ", ToAbsl(why)));
  AddFaultMetadata(fault, "provider", target.provider->name);
  AddFaultMetadata(fault, "model", target.recorded_model);
  if (wait.has_value()) SetRetryDelay(fault, *wait);
  return fault;
}

absl::Status CircuitOpen(const RuntimeSnapshot& runtime,
                         const PlannedTarget& target, TargetObstacle obstacle,
                         absl::Duration now) {
  // Nobody knows when an operator takes it back.
  const bool forced = obstacle == TargetObstacle::kForced;
  std::optional<absl::Duration> wait;
  if (!forced) {
    wait = runtime.resilience()
               .targets.Find(target.provider->name, target.recorded_model)
               .breaker.RetryAfter(now);
  }
  absl::Status fault =
      NotAsked(v1::ERROR_REASON_CIRCUIT_OPEN, target,
               forced ? "is not asked, since an operator has forced its "
                        "circuit open"
                      : "rests after it has failed repeatedly",
               wait);
  AddFaultMetadata(fault, "circuit", forced ? "forced_open" : "open");
  return fault;
}

// Takes a place with the credential; false if it has none left.
bool TakePlace(const ProviderPolicy& policy, size_t credential,
               TargetPermit* permit) {
  if (policy.credential_limits == nullptr) return true;
  permit->credential_limit = &policy.credential_limits->Of(credential);
  permit->credential_place = permit->credential_limit->TryTake();
  return permit->credential_place.has_value();
}

CredentialPool::Choice Choose(const ProviderPolicy& policy, absl::Duration now,
                              absl::Span<const size_t> without,
                              TargetPermit* permit) {
  if (policy.credential_limits == nullptr && without.empty()) {
    return policy.credentials->Pick(now);
  }
  return policy.credentials->PickWhere(now, [&](size_t credential) {
    return std::find(without.begin(), without.end(), credential) ==
               without.end() &&
           TakePlace(policy, credential, permit);
  });
}

// What the caller hears of credentials that have their hands full.
absl::Status CredentialsFull(const PlannedTarget& target,
                             const ProviderPolicy& policy) {
  return NotAsked(
      v1::ERROR_REASON_OVERLOADED, target,
      absl::StrCat("is not asked: ",
                   policy.credentials->is_keyless() ? "the provider has"
                                                    : "its credentials have",
                   " as many attempts under way as "
                   "resilience.adaptive_concurrency lets now, which is ",
                   policy.credential_limits->Sum()),
      kFullWait);
}

// Picks the credential; false if none may be taken.
bool PickCredential(const PlannedCall& call, const PlannedTarget& target,
                    const ProviderPolicy& policy, absl::Duration now,
                    TargetResort resort, absl::Span<const size_t> without,
                    TargetPermit* permit, TargetRefusal* refusal) {
  if (policy.credentials == nullptr || call.BringsCredential(policy)) {
    return true;
  }
  permit->credentials = policy.credentials.get();
  if (call.planned.stored_at != nullptr) {
    // No other will do, whatever is known of it.
    const std::optional<size_t> there =
        policy.credentials->IndexOf(call.planned.stored_at->credential);
    if (there.has_value()) {
      permit->credential = *there;
      if (TakePlace(policy, *there, permit)) return true;
      refusal->status = CredentialsFull(target, policy);
      return false;
    }
  }
  const CredentialPool::Choice choice = Choose(policy, now, without, permit);
  if (choice.index.has_value()) {
    permit->credential = *choice.index;
    return true;
  }
  if (choice.declined) {
    refusal->status = CredentialsFull(target, policy);
    return false;
  }
  if (resort == TargetResort::kLast && choice.last_resort.has_value()) {
    permit->credential = *choice.last_resort;
    if (!TakePlace(policy, *choice.last_resort, permit)) {
      refusal->status = CredentialsFull(target, policy);
      return false;
    }
    // One that only cools may be refused meanwhile, and then stays out.
    permit->last_resort = !choice.wait.has_value();
    return true;
  }
  refusal->has_last_resort = choice.last_resort.has_value();
  refusal->status =
      RefusalOf(*call.runtime, target,
                choice.wait.has_value() ? TargetObstacle::kCools
                                        : TargetObstacle::kRefused,
                now);
  return false;
}

// Takes one of the places that are limited; false if all are taken. `whose` has
// them. Without a limit `load` is null.
bool Enter(ProviderLoad* load, int limit, std::string_view whose,
           const PlannedTarget& target, ProviderPlace* place,
           TargetRefusal* refusal) {
  if (load == nullptr) return true;
  std::optional<ProviderPlace> entered = load->TryEnter(limit);
  if (!entered.has_value()) {
    refusal->status =
        NotAsked(v1::ERROR_REASON_OVERLOADED, target,
                 absl::StrCat("is not asked: ", ToAbsl(whose), " has ", limit,
                              " attempts under way, as many as "
                              "concurrent_attempts_limit lets"),
                 kFullWait);
    return false;
  }
  *place = *std::move(entered);
  return true;
}

}  // namespace

absl::Status RefusalOf(const RuntimeSnapshot& runtime,
                       const PlannedTarget& target, TargetObstacle obstacle,
                       absl::Duration now) {
  switch (obstacle) {
    case TargetObstacle::kDisabled:
      return NotAsked(v1::ERROR_REASON_MODEL_DISABLED, target, "is disabled",
                      std::nullopt);
    case TargetObstacle::kForced:
    case TargetObstacle::kRests:
      return CircuitOpen(runtime, target, obstacle, now);
    case TargetObstacle::kCools: {
      const CredentialPool& pool =
          *runtime.PolicyOf(*target.provider).credentials;
      return NotAsked(
          v1::ERROR_REASON_PROVIDER_RATE_LIMITED, target,
          pool.is_keyless()
              ? "rests until the limit that it has told lets it be asked"
              : "waits until a credential's rate limit lets it be asked",
          pool.WaitFrom(now));
    }
    case TargetObstacle::kRefused:
    case TargetObstacle::kNone:
      break;
  }
  return NotAsked(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, target,
                  "is not asked, since it has refused all credentials",
                  std::nullopt);
}

std::optional<TargetPermit> AcquireTarget(const PlannedCall& call,
                                          const PlannedTarget& target,
                                          TargetResort resort,
                                          TargetRefusal* refusal,
                                          absl::Span<const size_t> without) {
  const absl::Duration now = call.loop.Now();
  TargetState& state = call.runtime->resilience().targets.Find(
      target.provider->name, target.recorded_model);
  if (state.availability.disabled()) {
    refusal->status =
        RefusalOf(*call.runtime, target, TargetObstacle::kDisabled, now);
    return std::nullopt;
  }
  std::optional<CircuitBreaker::Permit> breaker = state.breaker.TryAcquire(now);
  if (!breaker.has_value()) {
    refusal->status = RefusalOf(*call.runtime, target,
                                state.breaker.RetryAfter(now).has_value()
                                    ? TargetObstacle::kRests
                                    : TargetObstacle::kForced,
                                now);
    return std::nullopt;
  }
  const ProviderPolicy& policy = call.runtime->PolicyOf(*target.provider);
  TargetPermit permit{.breaker = *std::move(breaker), .state = &state};
  if (!PickCredential(call, target, policy, now, resort, without, &permit,
                      refusal)) {
    return std::nullopt;
  }
  const TargetPolicy& of_model = policy.Of(target.upstream_model);
  if (!Enter(policy.load.get(), policy.concurrent_attempts_limit,
             "the provider", target, &permit.place, refusal) ||
      !Enter(of_model.load.get(), of_model.concurrent_attempts_limit,
             "the model", target, &permit.model_place, refusal)) {
    return std::nullopt;
  }
  if (call.limits != nullptr) {
    const bool sends_credential =
        permit.credentials != nullptr && !permit.credentials->is_keyless();
    permit.limits = call.limits->ForTarget(
        target, sends_credential ? permit.credentials->NameOf(permit.credential)
                                 : std::string_view());
  }
  return permit;
}

}  // namespace gateway
