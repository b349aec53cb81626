// NextAttempt decides, for one call, which target is asked first, whether, when
// and where another attempt follows one that failed, and who is asked beside
// one that takes long.
//
//   NextAttempt next(call);
//   std::optional<AskedTarget> asked = next.First();
//   if (asked->permit.limits != nullptr) ...   // Are taken.
//   ... // It fails.
//   absl::StatusOr<AskedTarget> other = co_await next.After(attempt);
//
// After a failure, in this order:
//
//   1. a connection that the provider had given up is replaced, once;
//   2. a credential that has just met its limit, was refused, or may not have
//      what is asked for gives way to another of the same provider, at once;
//   3. another target that may be asked now is, at once;
//   4. a target is asked again, after its back-off, if its retry policy lets
//      it, and as long as the call has made fewer attempts than it may;
//   5. a target that was passed over for its credentials is, as a last resort.
//
// What asks a provider that fails once more takes a place in the budget of
// retries: 4, and 3 and 5 where that target fails itself. To go on to one that
// is well takes none, so that no caller hears of a failure whom it would have
// answered. Each target of the route is asked once whatever the limit of
// attempts says; what repeats is bounded by it. Nothing follows where the
// caller's deadline leaves no time for it.
//
// A target that is not the first is passed over where its limits have no room,
// and where one of its budgets that refuses has none.
//
// Thread contract: one call, on its loop.

#ifndef SERVICE_PIPELINE_NEXT_ATTEMPT_H_
#define SERVICE_PIPELINE_NEXT_ATTEMPT_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/async/task.h"
#include "llmgateway/v1/gateway.pb.h"
#include "service/pipeline/attempt.h"
#include "service/pipeline/call.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/target_permit.h"
#include "service/resilience/retry_budget.h"

namespace gateway {

// A target that is to be asked now.
struct AskedTarget {
  const PlannedTarget* target = nullptr;
  TargetPermit permit;
  v1::Attempt::Kind kind = v1::Attempt::KIND_FIRST;
  // How the attempt before failed, or why it was not made; unset for the first.
  v1::ErrorReason cause = v1::ERROR_REASON_UNSPECIFIED;
  // It must not use a connection that has served before, since the last attempt
  // there may have failed for its connection.
  bool fresh_connection = false;
  // Attempts that may yet be made for the caller, this one included.
  int attempts_left = 1;
};

// Whether a caller whom nobody answers is told of `refusal` rather than of what
// he would have been told so far, if that is not OK: what passes is told before
// what an operator has done, of targets that their limits or budgets refuse the
// one with the shortest wait, since that is who answers next, and else the
// first.
bool IsToldRather(const absl::Status& refusal, const absl::Status& so_far);

class NextAttempt {
 public:
  explicit NextAttempt(const PlannedCall& call) : call_(call) {}
  NextAttempt(const NextAttempt&) = delete;
  NextAttempt& operator=(const NextAttempt&) = delete;

  // The planned target, if it may be asked now but for its limits, which are
  // yet to be taken: without them, as calls mostly are, nobody waits. Otherwise
  // nothing: see InsteadOfFirst.
  std::optional<AskedTarget> First();
  // Its limits had no room.
  void RefuseFirst(const AskedTarget& first) { Refuse(first); }

  // Whom to ask where First has said nothing. Fails as the call is to end if
  // that is nobody.
  Task<absl::StatusOr<AskedTarget>> InsteadOfFirst();

  // Whom to ask after `failed`. Fails as the call is to end if there is to be
  // no other attempt.
  Task<absl::StatusOr<AskedTarget>> After(const Attempt& failed);

  // Whom to ask beside an attempt under way; nothing if that is nobody. Its
  // place in the budget of retries is held until EndHedge.
  Task<std::optional<AskedTarget>> Beside();
  void EndHedge() { hedge_extra_.reset(); }
  // Gives back what Beside has returned and was not asked.
  void PutBack(AskedTarget unused);

  // Whether the attempt under way may be given up for another target: one that
  // may be asked now, and does not fail. What the request needs is not looked
  // at.
  bool HasOther() const;

  // Keeps how an attempt failed after which nobody is asked, since another is
  // under way.
  void Keep(const Attempt& failed);

 private:
  // What has become of a target that was asked.
  struct Asked {
    const PlannedTarget* target;
    int attempts = 0;
    int credentials_changed = 0;
    // Those that may not have what is asked for, and are well otherwise.
    std::vector<size_t> without_access;
    absl::Status failure;
    bool abandoned = false;
    bool fresh_connection = false;
  };

  // The right to ask it now, but for its limits; nothing if it may not be
  // asked. `without` are credentials that are not taken.
  std::optional<AskedTarget> AcquireButForLimits(
      const PlannedTarget& target, v1::Attempt::Kind kind, TargetResort resort,
      absl::Span<const size_t> without = {});
  // The same with what it takes of its limits, and reserves of its budgets.
  Task<std::optional<AskedTarget>> Acquire(
      const PlannedTarget& target, v1::Attempt::Kind kind,
      TargetResort resort = TargetResort::kOrdinary,
      absl::Span<const size_t> without = {});
  // Keeps why the target's limits have not let it be asked.
  void Refuse(const AskedTarget& refused);
  // Keeps that a budget has not, and adds it to what the caller is told.
  void RefuseByBudget(absl::Status refusal);
  void TellPassedOver();
  // Whether it is what the caller is told, so far.
  bool KeepRefusal(absl::Status refusal);

  // Whether to go on to a target that fails takes a place in the budget of
  // retries. It does not where nobody was asked yet, nor where one is held.
  enum class Place { kTaken, kNotNeeded };

  // The next targets of the route, `why` being the failure, up to one that may
  // be asked.
  Task<std::optional<AskedTarget>> Elsewhere(v1::Attempt::Kind kind,
                                             absl::Status why, Place place);
  // The right to go on to it, with its place in the budget.
  Task<std::optional<AskedTarget>> GoOnTo(const PlannedTarget& target,
                                          v1::Attempt::Kind kind, Place place);
  TargetState& StateOf(const PlannedTarget& target) const;
  static bool Fails(const TargetState& target);
  bool IsWell(const ProviderRegistry::Entry& provider,
              std::string_view upstream_model) const;
  // The same target with another credential.
  Task<std::optional<AskedTarget>> WithOtherCredential(const Attempt& failed);
  // A target that is asked again, and after how long.
  struct Repeat {
    Asked asked;
    absl::Duration delay;
  };
  // The one that may be asked soonest.
  std::optional<Repeat> FindRepeat();
  Task<std::optional<AskedTarget>> LastResort(v1::Attempt::Kind kind);

  Asked& AskedAt(const PlannedTarget& target);
  // Takes a place in the budget of retries, for the next attempt, unless it has
  // one; false if there is none.
  bool TakeExtra(RetryBudget::Purpose purpose);
  bool IsInTime(absl::Duration wait) const;
  // Whether a hedge at the target is estimated to cost no more than one may.
  bool IsWorthItsCost(const PlannedTarget& target) const;
  int AttemptsLeft() const;
  int attempts_limit() const;

  const PlannedCall& call_;
  // Those that came after the first; they stay where they are.
  std::vector<std::unique_ptr<const PlannedTarget>> others_;
  // Those that were asked and failed, the last asked last.
  std::vector<Asked> asked_;
  // The first that was passed over and may be asked in the end.
  const PlannedTarget* last_resort_ = nullptr;
  // Targets that were not worth a hedge, or for which the budget had no place:
  // they are thought of again when the next attempt has failed.
  std::vector<const PlannedTarget*> in_reserve_;
  // How the last attempt ended or, before the first, why its target may not be
  // asked.
  absl::Status last_failure_;
  // The last budget that has kept a target from being asked; empty if none has.
  std::string passed_over_by_;
  // The places of the present attempt, if it is not the first, and of a hedge.
  std::optional<RetryBudget::Permit> extra_;
  std::optional<RetryBudget::Permit> hedge_extra_;
  int attempts_ = 0;  // But for reconnects and changes of credentials.
  bool reconnected_ = false;
};

}  // namespace gateway

#endif  // SERVICE_PIPELINE_NEXT_ATTEMPT_H_
