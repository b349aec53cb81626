#include "service/pipeline/next_attempt.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/async/sleep.h"
#include "base/async/worker_pool.h"
#include "base/status_macros.h"
#include "errors/fault.h"
#include "errors/verdict.h"
#include "service/money/cost.h"
#include "service/pipeline/call_budgets.h"
#include "service/pipeline/call_cost.h"
#include "service/pipeline/call_limits.h"
#include "service/pipeline/provider_policy.h"
#include "service/pipeline/target_obstacles.h"
#include "service/pipeline/usage_estimate.h"
#include "service/resilience/deadline_split.h"

namespace gateway {
namespace {

// Returns whether the attempt failed by what its provider said, over a
// connection that did its part.
bool HasAnsweredWithAnError(const AttemptProgress& attempt) {
  return attempt.http_status != 0 && attempt.http_status != 200;
}

// Whether another target might do what this one has not done.
bool MayGoElsewhere(const absl::Status& failure, bool abandoned) {
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED:
    case v1::ERROR_REASON_CONTENT_POLICY:
      return true;
    // What is more than an account may send in a minute, another may.
    case v1::ERROR_REASON_REQUEST_TOO_LARGE:
      return FaultMetadata(failure, kProviderCodeKey) == "rate_limit_exceeded";
    default:
      break;
  }
  return MayServeElsewhere(ClassifyFailure(failure, abandoned));
}

// The output that a hedge is taken to cost where the caller sets no limit.
constexpr int64_t kOutputTokensGuess = 1000;

// A target with so many failures in a row fails: one may be chance.
constexpr int kFailuresToFail = 3;

// Whether the gateway itself had no room for it, of a limit or a budget.
bool WaitsForRoom(const absl::Status& refusal) {
  const v1::ErrorReason reason = FaultReason(refusal);
  return reason == v1::ERROR_REASON_RATE_LIMITED ||
         reason == v1::ERROR_REASON_CONCURRENCY_LIMITED ||
         reason == v1::ERROR_REASON_BUDGET_EXCEEDED;
}

// Forever where waiting does not help.
absl::Duration WaitOf(const absl::Status& refusal) {
  return RetryDelay(refusal).value_or(absl::InfiniteDuration());
}

// Whether a credential may be taken now that is not one of `without`.
bool HasUsable(const CredentialPool& pool, const std::vector<size_t>& without,
               absl::Duration now) {
  for (size_t i = 0; i < pool.size(); ++i) {
    if (!pool.IsUsable(i, now)) continue;
    if (std::find(without.begin(), without.end(), i) == without.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool IsToldRather(const absl::Status& refusal, const absl::Status& so_far) {
  if (so_far.ok()) return true;
  if (WaitsForOperator(so_far)) return !WaitsForOperator(refusal);
  return WaitsForRoom(so_far) && WaitsForRoom(refusal) &&
         WaitOf(refusal) < WaitOf(so_far);
}

std::optional<AskedTarget> NextAttempt::First() {
  return AcquireButForLimits(call_.planned.first, v1::Attempt::KIND_FIRST,
                             TargetResort::kOrdinary);
}

Task<absl::StatusOr<AskedTarget>> NextAttempt::InsteadOfFirst() {
  std::optional<AskedTarget> next = co_await Elsewhere(
      v1::Attempt::KIND_FALLBACK, last_failure_, Place::kNotNeeded);
  if (!next.has_value()) next = co_await LastResort(v1::Attempt::KIND_FIRST);
  if (!next.has_value()) co_return last_failure_;
  co_return *std::move(next);
}

Task<absl::StatusOr<AskedTarget>> NextAttempt::After(const Attempt& failed) {
  const absl::Status& failure = failed.status;
  if (call_.work_cancel().cancelled()) co_return failure;
  // Kinds of providers that make no vectors stand beside others that do: it is
  // of those that the caller hears.
  const bool lacks_embeddings =
      call_.embed != nullptr &&
      FaultReason(failure) == v1::ERROR_REASON_UNIMPLEMENTED;
  if (!lacks_embeddings || last_failure_.ok()) {
    last_failure_ = failure;
    TellPassedOver();
  }
  if (failed.progress.http.not_processed && !reconnected_) {
    // The provider had given the connection up before it saw the request, so
    // that asking again repeats nothing, and does not count as an attempt.
    reconnected_ = true;
    std::optional<AskedTarget> again =
        co_await Acquire(*failed.target, v1::Attempt::KIND_RECONNECT);
    if (again.has_value()) {
      again->fresh_connection = true;
      co_return *std::move(again);
    }
  }
  std::optional<AskedTarget> next = co_await WithOtherCredential(failed);
  if (next.has_value()) co_return *std::move(next);
  Keep(failed);
  // What the caller alone can mend is the end, whoever was asked before.
  if (!lacks_embeddings &&
      !MayGoElsewhere(failure, failed.progress.http.abandoned())) {
    co_return failure;
  }
  const bool elsewhere =
      call_.planned.next != nullptr || last_resort_ != nullptr;
  if (!IsInTime(absl::ZeroDuration())) co_return last_failure_;
  // Content that is refused goes where the configuration says, and nowhere
  // else.
  std::optional<Repeat> repeat;
  if (FaultReason(failure) != v1::ERROR_REASON_CONTENT_POLICY) {
    repeat = FindRepeat();
  }
  extra_.reset();  // That of the attempt that has failed.
  if (elsewhere) {
    next =
        co_await Elsewhere(v1::Attempt::KIND_FALLBACK, failure, Place::kTaken);
    if (next.has_value()) co_return *std::move(next);
  }
  if (repeat.has_value()) {
    if (!TakeExtra(RetryBudget::Purpose::kRetry)) co_return last_failure_;
    GATEWAY_CO_RETURN_IF_ERROR(
        co_await Sleep(call_.loop, repeat->delay, call_.work_cancel()));
    next = co_await Acquire(*repeat->asked.target, v1::Attempt::KIND_RETRY);
    if (next.has_value()) {
      next->fresh_connection = repeat->asked.fresh_connection;
      co_return *std::move(next);
    }
  }
  if (last_resort_ != nullptr) {
    if (Fails(StateOf(*last_resort_)) &&
        !TakeExtra(RetryBudget::Purpose::kFallback)) {
      co_return last_failure_;
    }
    next = co_await LastResort(v1::Attempt::KIND_FALLBACK);
    if (next.has_value()) co_return *std::move(next);
  }
  co_return last_failure_;
}

Task<std::optional<AskedTarget>> NextAttempt::Beside() {
  std::optional<AskedTarget> none;
  // Who leaves just when it is due has nobody asked any more.
  if (call_.work_cancel().cancelled()) co_return none;
  if (call_.planned.next == nullptr || !IsInTime(absl::ZeroDuration())) {
    co_return none;
  }
  hedge_extra_ = call_.runtime->resilience().retry_budget.TryAcquire(
      RetryBudget::Purpose::kHedge);
  if (!hedge_extra_.has_value()) co_return none;
  // As if the one under way had failed, by no fault that says more.
  std::optional<AskedTarget> next = co_await Elsewhere(
      v1::Attempt::KIND_HEDGE,
      MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "takes long"),
      Place::kNotNeeded);
  if (!next.has_value()) {
    EndHedge();
  } else if (!IsWorthItsCost(*next->target)) {
    PutBack(*std::exchange(next, std::nullopt));
  }
  co_return next;
}

void NextAttempt::PutBack(AskedTarget unused) {
  if (unused.permit.limits != nullptr) {
    unused.permit.limits->Withdraw(call_.loop.Now());
  }
  in_reserve_.push_back(unused.target);
  EndHedge();
}

void NextAttempt::Keep(const Attempt& failed) {
  ++attempts_;
  Asked& asked = AskedAt(*failed.target);
  ++asked.attempts;
  asked.failure = failed.status;
  asked.abandoned = failed.progress.http.abandoned();
  asked.fresh_connection = !HasAnsweredWithAnError(failed.progress);
}

std::optional<AskedTarget> NextAttempt::AcquireButForLimits(
    const PlannedTarget& target, v1::Attempt::Kind kind, TargetResort resort,
    absl::Span<const size_t> without) {
  TargetRefusal refusal;
  std::optional<TargetPermit> permit =
      AcquireTarget(call_, target, resort, &refusal, without);
  if (!permit.has_value()) {
    if (refusal.has_last_resort && last_resort_ == nullptr) {
      last_resort_ = &target;
    }
    KeepRefusal(std::move(refusal.status));
    return std::nullopt;
  }
  std::optional<AskedTarget> asked;
  asked.emplace(AskedTarget{.target = &target,
                            .permit = *std::move(permit),
                            .kind = kind,
                            .attempts_left = AttemptsLeft()});
  if (!last_failure_.ok()) asked->cause = FaultReason(last_failure_);
  return asked;
}

Task<std::optional<AskedTarget>> NextAttempt::Acquire(
    const PlannedTarget& target, v1::Attempt::Kind kind, TargetResort resort,
    absl::Span<const size_t> without) {
  std::optional<AskedTarget> asked =
      AcquireButForLimits(target, kind, resort, without);
  if (asked.has_value() && call_.budgets != nullptr &&
      call_.runtime->budgets()->has_target_rules()) {
    // A hedge keeps an answer waiting that may be there by now.
    const bool may_wait = kind != v1::Attempt::KIND_HEDGE;
    absl::Status reserved =
        co_await ReserveTarget(call_, target, may_wait, &asked->permit.budgets);
    if (!reserved.ok()) {
      RefuseByBudget(std::move(reserved));
      asked.reset();
    }
  }
  if (asked.has_value() && asked->permit.limits != nullptr) {
    const bool taken = co_await asked->permit.limits->Take(call_.loop.Now());
    if (!taken) {
      Refuse(*asked);
      asked.reset();
    }
  }
  co_return asked;
}

void NextAttempt::Refuse(const AskedTarget& refused) {
  const LimitCharges& charges = *refused.permit.limits;
  if (KeepRefusal(RefusalByLimits(*refused.target, charges))) {
    call_.limits->TellOfTarget(charges);
  }
}

void NextAttempt::RefuseByBudget(absl::Status refusal) {
  passed_over_by_ = FaultMetadata(refusal, "limit");
  if (!KeepRefusal(std::move(refusal))) TellPassedOver();
}

void NextAttempt::TellPassedOver() {
  if (passed_over_by_.empty()) return;
  AddFaultMetadata(last_failure_, "passed_over_by_budget", passed_over_by_);
}

bool NextAttempt::KeepRefusal(absl::Status refusal) {
  const bool is_told = IsToldRather(refusal, last_failure_);
  if (is_told) last_failure_ = std::move(refusal);
  return is_told;
}

Task<std::optional<AskedTarget>> NextAttempt::Elsewhere(v1::Attempt::Kind kind,
                                                        absl::Status why,
                                                        Place place) {
  std::optional<AskedTarget> found;
  const std::vector<const PlannedTarget*> reserve =
      std::exchange(in_reserve_, {});
  for (const PlannedTarget* const kept : reserve) {
    if (found.has_value()) {
      in_reserve_.push_back(kept);
    } else {
      found = co_await GoOnTo(*kept, kind, place);
    }
  }
  if (found.has_value()) co_return found;
  TargetWalk* const walk = call_.planned.next.get();
  while (walk != nullptr) {
    absl::StatusOr<PlannedTarget> next;
    // To know whether a target can serve it, a request may have to be read.
    co_await OffLoop(call_.facts.request_bytes, [&] {
      next = walk->Next(why);
      return true;
    });
    if (!next.ok()) break;
    others_.push_back(std::make_unique<const PlannedTarget>(*next));
    found = co_await GoOnTo(*others_.back(), kind, place);
    if (found.has_value()) break;
  }
  co_return found;
}

Task<std::optional<AskedTarget>> NextAttempt::GoOnTo(
    const PlannedTarget& target, v1::Attempt::Kind kind, Place place) {
  const bool takes_place = place == Place::kTaken && Fails(StateOf(target));
  std::optional<AskedTarget> found = co_await Acquire(target, kind);
  // Not for one that rests: that is no refusal of the budget's.
  if (takes_place && found.has_value() &&
      !TakeExtra(RetryBudget::Purpose::kFallback)) {
    if (found->permit.limits != nullptr) {
      found->permit.limits->Withdraw(call_.loop.Now());
    }
    found.reset();
    in_reserve_.push_back(&target);
  }
  co_return found;
}

bool NextAttempt::Fails(const TargetState& target) {
  return target.availability.failures_in_a_row() >= kFailuresToFail;
}

TargetState& NextAttempt::StateOf(const PlannedTarget& target) const {
  return call_.runtime->resilience().targets.Find(target.provider->name,
                                                  target.recorded_model);
}

bool NextAttempt::HasOther() const {
  for (const PlannedTarget* const kept : in_reserve_) {
    if (IsWell(*kept->provider, kept->upstream_model)) return true;
  }
  return call_.planned.next != nullptr &&
         call_.planned.next->HasNext([this](const RouteTarget& target) {
           const ProviderRegistry::Entry& provider =
               *call_.runtime->providers().Find(target.provider);
           return IsWell(provider, provider.UpstreamModel(target.model));
         });
}

bool NextAttempt::IsWell(const ProviderRegistry::Entry& provider,
                         std::string_view upstream_model) const {
  const TargetState* const state =
      call_.runtime->resilience().targets.FindKnown(provider.name,
                                                    upstream_model);
  if (state != nullptr && Fails(*state)) return false;
  const ProviderPolicy& policy = call_.runtime->PolicyOf(provider);
  return ObstacleOf(state, policy, call_.loop.Now(),
                    call_.BringsCredential(policy)) == TargetObstacle::kNone;
}

Task<std::optional<AskedTarget>> NextAttempt::WithOtherCredential(
    const Attempt& failed) {
  CredentialPool* const pool = failed.credentials;
  if (pool == nullptr || call_.planned.stored_at != nullptr) {
    co_return std::nullopt;
  }
  const absl::Duration now = call_.loop.Now();
  Asked& asked = AskedAt(*failed.target);
  switch (ClassifyFailure(failed.status)) {
    case Verdict::kAccessRefused:
      asked.without_access.push_back(failed.credential_index);
      break;
    case Verdict::kRateLimited:
    case Verdict::kCredentialRefused:
      if (!pool->IsUsable(failed.credential_index, now)) break;
      [[fallthrough]];
    default:
      co_return std::nullopt;
  }
  if (!HasUsable(*pool, asked.without_access, now)) co_return std::nullopt;
  // Each once, even if they recover faster than they are asked.
  if (++asked.credentials_changed >= static_cast<int>(pool->size())) {
    co_return std::nullopt;
  }
  co_return co_await Acquire(*failed.target, v1::Attempt::KIND_RETRY,
                             TargetResort::kOrdinary, asked.without_access);
}

bool NextAttempt::IsWorthItsCost(const PlannedTarget& target) const {
  const int64_t limit =
      call_.runtime->config().resilience().hedging().cost_limit_usd_nanos();
  if (limit == 0) return true;
  const ModelRates* const price =
      call_.FindPriceOnLoop(PricedAs(*target.provider), target.upstream_model);
  return price != nullptr &&
         EstimateCost(*price, GuessedInputTokens(call_),
                      call_.AnswerCount() * call_.OutputTokensLimit().value_or(
                                                kOutputTokensGuess))
                 .nanos() <= limit;
}

std::optional<NextAttempt::Repeat> NextAttempt::FindRepeat() {
  if (attempts_ >= attempts_limit()) return std::nullopt;
  const absl::Duration now = call_.loop.Now();
  std::optional<Repeat> soonest;
  for (const Asked& asked : asked_) {
    if (asked.attempts == 0) continue;
    const ProviderPolicy& policy =
        call_.runtime->PolicyOf(*asked.target->provider);
    const RetryPolicy& retry = policy.Of(asked.target->upstream_model).retry;
    std::optional<absl::Duration> delay =
        retry.DelayAfter(asked.attempts, asked.failure, asked.abandoned,
                         *call_.runtime->ports().random);
    if (!delay.has_value()) continue;
    const TargetState& state = call_.runtime->resilience().targets.Find(
        asked.target->provider->name, asked.target->recorded_model);
    const bool brings_credential = call_.BringsCredential(policy);
    const TargetObstacle obstacle =
        ObstacleOf(&state, policy, now, brings_credential);
    if (obstacle == TargetObstacle::kCools) {
      const absl::Duration cools =
          policy.CredentialsRest(now, brings_credential);
      if (cools > retry.retry_after_limit()) continue;
      delay = std::max(*delay, cools);
    } else if (obstacle != TargetObstacle::kNone) {
      continue;
    }
    if (!IsInTime(*delay)) continue;
    if (!soonest.has_value() || *delay < soonest->delay) {
      soonest = Repeat{.asked = asked, .delay = *delay};
    }
  }
  return soonest;
}

Task<std::optional<AskedTarget>> NextAttempt::LastResort(
    v1::Attempt::Kind kind) {
  const PlannedTarget* const target = std::exchange(last_resort_, nullptr);
  if (target == nullptr) co_return std::nullopt;
  if (target != &call_.planned.first) kind = v1::Attempt::KIND_FALLBACK;
  co_return co_await Acquire(*target, kind, TargetResort::kLast);
}

NextAttempt::Asked& NextAttempt::AskedAt(const PlannedTarget& target) {
  const auto found =
      std::find_if(asked_.begin(), asked_.end(),
                   [&](const Asked& asked) { return asked.target == &target; });
  if (found == asked_.end())
    return asked_.emplace_back(Asked{.target = &target});
  std::rotate(found, found + 1, asked_.end());
  return asked_.back();
}

bool NextAttempt::TakeExtra(RetryBudget::Purpose purpose) {
  if (!extra_.has_value()) {
    extra_ = call_.runtime->resilience().retry_budget.TryAcquire(purpose);
  }
  return extra_.has_value();
}

bool NextAttempt::IsInTime(absl::Duration wait) const {
  return LeavesTimeAfter(wait,
                         {.remaining = call_.deadline - call_.loop.Now()});
}

int NextAttempt::AttemptsLeft() const {
  if (call_.planned.next == nullptr) return 1;
  const int left = 1 + static_cast<int>(call_.planned.next->targets_left());
  return std::clamp(attempts_limit() - attempts_, left > 1 ? 2 : 1, left);
}

int NextAttempt::attempts_limit() const {
  return call_.runtime->retry().attempts_limit();
}

}  // namespace gateway
