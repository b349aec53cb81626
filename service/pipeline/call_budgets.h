// CallBudgets is how a call stands with the budgets that it is charged to
// (service/budgets): what it is estimated to take is reserved before anybody is
// asked, grows with a stream, and is settled once.
//
//   outcome = ReserveBudgets(call);           // Once it is planned.
//   if (WaitsForReplicas(call)) outcome = co_await ReserveAgain(call);
//   ...
//   GrowBudgets(call, attempt, delivered, *stream);   // As a stream goes.
//   FinishBudgets(call);                      // Once nobody is asked any more.
//   ...
//   call.budgets->Settle(call);               // By the ledger's thread.
//   DebitOf(call.budgets->TakeSettled());
//
// A call is charged what its attempts have billed, all together. One that
// nobody was asked for is charged nothing. Budgets of targets are looked at for
// the target that is asked first when the call is let in, and for each other
// one before it is asked (ReserveTarget). Where the ledger has an entry of
// what is charged, its thread charges it as it writes the entry, before the
// answer's end is sent: the call waits for that thread anyhow
// (docs/adr/0036-the-ledgers-thread-charges-budgets.md).
//
// Thread contract: one call, on its loop; Settle and IfBilled on any thread,
// while the call waits for it.

#ifndef SERVICE_PIPELINE_CALL_BUDGETS_H_
#define SERVICE_PIPELINE_CALL_BUDGETS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/memory/recycler.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/budgets/budget_charges.h"
#include "service/budgets/budget_entries.h"
#include "service/budgets/budget_rules.h"
#include "service/budgets/budget_settlement.h"
#include "service/budgets/budget_table.h"
#include "service/limits/counter_key.h"
#include "service/limits/limit_subject.h"

namespace gateway {

class Call;
class DeliveredTokens;
class PlannedCall;
class ProviderStream;
struct Attempt;
struct PlannedTarget;

class CallBudgets : public Recycled {
 public:
  // Null if the call is charged to none: there are none, or nobody is asked for
  // what it wants. REQUIRES: the call is planned.
  static std::unique_ptr<CallBudgets> Of(const PlannedCall& call);

  CallBudgets(const CallBudgets&) = delete;
  CallBudgets& operator=(const CallBudgets&) = delete;

  // Reserves what the call is estimated to take. The fault of one that does not
  // fit is BUDGET_EXCEEDED. Where NeedsToAsk says so then, other replicas are
  // to be told, and it is to be called again; CountShort if that is in vain.
  absl::Status Reserve(const PlannedCall& call);
  void CountShort() const { charges_.CountShort(); }
  bool NeedsToAsk() const { return charges_.NeedsToAsk(); }
  // Whether anything is reserved for the call now.
  bool HoldsAny() const;

  // What its caller is to know: which budgets are nearly, or more than, spent.
  const std::vector<llmgateway::v1::Warning>& warnings() const {
    return warnings_;
  }

  // Charges what FinishBudgets has left to be charged; does nothing where it
  // has left nothing, or that is charged.
  void Settle(const Call& call);
  // Whether it has left something of which there will be an entry.
  bool owes() const { return due_.has_value() && HoldsAny(); }

  // What it has made of them since it was let in; known once it is settled.
  struct LateWarning {
    CounterKey scope;
    llmgateway::v1::Warning warning;
  };
  const std::vector<LateWarning>& late_warnings() const {
    return late_warnings_;
  }

  // What was charged, and when; nothing before the end, and without a ledger.
  const BudgetSettlement& settled() const { return settled_; }
  // The same, whose scopes are given away: when and how much it was stays.
  BudgetSettlement TakeSettled() {
    BudgetSettlement taken = std::move(settled_);
    settled_.scopes.clear();
    return taken;
  }
  // Of a call that was let in although it does not fit, what is to be kept of
  // that.
  const std::vector<BudgetExceeded>& exceeded() const { return exceeded_; }
  // What the scopes of the call are charged if that is billed for the attempt,
  // for so many turns; those of targets are its target's, whose turns are
  // attempts. To be kept where it survives the process.
  std::vector<BudgetChange> IfBilled(const PlannedCall& call,
                                     const Attempt& attempt,
                                     const llmgateway::v1::Usage& usage,
                                     int64_t turns, absl::Time now) const;

  // What is left, once it is settled; nothing without a budget that refuses.
  std::optional<int64_t> remaining_usd_nanos() const {
    return remaining_.cost_usd_nanos;
  }
  std::optional<int64_t> remaining_tokens() const { return remaining_.tokens; }

 private:
  friend void GrowBudgets(Call& call, const Attempt& attempt,
                          const DeliveredTokens& delivered,
                          const ProviderStream& stream);
  friend void FinishBudgets(Call& call);
  friend Task<absl::Status> ReserveTarget(const PlannedCall& call,
                                          const PlannedTarget& target,
                                          bool may_wait,
                                          BudgetReservation* reservation);

  // What is asked for a target that is not the first, and what tells it apart.
  struct AtTarget {
    AtTarget(const LimitSubject& of_call, BudgetTable& table,
             std::string_view asker)
        : subject(of_call), charges(table, asker) {}

    LimitSubject subject;
    BudgetCharges charges;
  };

  explicit CallBudgets(const PlannedCall& call);

  // What the call is estimated to take at the target that is asked first.
  void Estimate(const PlannedCall& call);
  // What is to be reserved for another target, as ReserveTarget says; null if
  // that is nothing.
  AtTarget* AskTarget(const PlannedCall& call, const PlannedTarget& target);
  bool Holds(const BudgetRule& rule, const CounterKey& key) const;
  // Whose scopes have places in common: the caller's or, of one without a name,
  // those of all at his address.
  std::string_view AskerOf(const PlannedCall& call) const;
  // Gives back what is reserved.
  void Cancel();
  // What the configuration says for the subject's scope; nothing for one that
  // is only allocated.
  BudgetTerms TermsOf(const BudgetRule& rule, LimitSubject& subject) const;
  void TellCharges();
  // Warns of budgets that the call was let in by, and that are nearly, or more
  // than, spent. `subject` is theirs.
  void TellNear(const BudgetCharges& charges, const LimitSubject& subject);
  // Warns of what the call has made of the budget, where it has; the log is
  // told the first time in each window.
  void TellFilled(const BudgetCharge& charge);
  static void LogWarning(const BudgetCharge& charge,
                         const LimitSubject& subject, const std::string& text);
  // Has the charges grow with a stream, and says what that makes of budgets.
  // `delivering` is of the target that it comes from.
  static void Grow(const BudgetAmounts& amounts, LimitSubject& delivering,
                   BudgetCharges* charges);
  // Calls `use` with each budget of the call at the subject's target, and its
  // limits for the call.
  template <typename Use>
  void ForEachRule(const PlannedCall& call, LimitSubject& subject,
                   const Use& use) const;
  // The same with budgets of targets alone, at the target of the attempt, which
  // the subject names from then on.
  template <typename Use>
  void ForEachTargetRule(const PlannedCall& call, const Attempt& attempt,
                         LimitSubject& subject, const Use& use) const;
  // Finds out what the call has taken, and charges it unless Settle is to.
  void Finish(const Call& call);
  // Charges budgets of targets what each attempt was billed, and finds what is
  // left of those of other targets than the first.
  void ChargeTargets(const Call& call, absl::Time now,
                     BudgetSettlement* settled);

  const BudgetRules& rules_;
  LimitSubject subject_;
  // Of a caller without a name, and where budgets tell peers apart; else empty.
  std::string peer_;
  std::string_view role_;
  BudgetAmounts estimate_;
  bool price_known_ = true;
  BudgetCharges charges_;
  // Of targets that were asked after the first, or were to be.
  std::vector<std::unique_ptr<AtTarget>> at_targets_;
  std::vector<llmgateway::v1::Warning> warnings_;
  std::vector<LateWarning> late_warnings_;
  std::vector<BudgetExceeded> exceeded_;
  BudgetSettlement settled_;
  bool finished_ = false;
  // Taken by the call, and not charged yet.
  std::optional<BudgetAmounts> due_;
  BudgetCharges::Remaining remaining_;
};

// Reserves what the call is estimated to take of its budgets, and sets
// `call.budgets`. BUDGET_EXCEEDED if it does not fit.
absl::Status ReserveBudgets(Call& call);
// Whether a call that did not fit may, once other replicas have been told;
// tells them, and does so.
bool WaitsForReplicas(const Call& call);
Task<absl::Status> ReserveAgain(Call& call);

// Reserves what the call is estimated to take at a target that is asked after
// the first, or beside it, of budgets of targets that refuse. Of a scope that
// the call has reserved of already it takes no more: attempts at one target
// have one reservation, as the call has with all other budgets.
// BUDGET_EXCEEDED, which names the target, if it does not fit; if it may wait,
// also after other replicas have been told, where that helps. REQUIRES: the
// call has budgets, and outlives `reservation`, which is null where nothing is
// reserved.
Task<absl::Status> ReserveTarget(const PlannedCall& call,
                                 const PlannedTarget& target, bool may_wait,
                                 BudgetReservation* reservation);

// Reserves what has come of the stream that `attempt` delivers, where it is
// more than was estimated. Does nothing for a call without budgets.
void GrowBudgets(Call& call, const Attempt& attempt,
                 const DeliveredTokens& delivered,
                 const ProviderStream& stream);

// Makes what was reserved into what the call has really taken, once; of a call
// with a ledger, leaves that to CallBudgets::Settle where it can. To be called
// before the end of the answer is sent, and before CallLedger::Finish, so that
// who has it may call again. Does nothing for a call without budgets.
void FinishBudgets(Call& call);

// Says in an answer what is left; nothing for a call without budgets.
template <typename Answer>
void FillRemainingBudgets(const CallBudgets* budgets, Answer* answer) {
  if (budgets == nullptr) return;
  if (const auto nanos = budgets->remaining_usd_nanos()) {
    answer->set_budget_remaining_usd_nanos(*nanos);
  }
  if (const auto tokens = budgets->remaining_tokens()) {
    answer->set_budget_remaining_tokens(*tokens);
  }
}

// Appends what the call has made of its budgets; nothing for a call without.
void FillLateWarnings(
    const CallBudgets* budgets,
    google::protobuf::RepeatedPtrField<llmgateway::v1::Warning>* out);

// Whose call it is, for entries of the ledger; valid as long as the call.
BudgetEntryFacts FactsOfBudgets(const Call& call);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CALL_BUDGETS_H_
