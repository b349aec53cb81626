// BudgetCharges is what one call has reserved of its budgets, from when it is
// let in until it is over, whichever way.
//
//   BudgetCharges charges(table);
//   charges.Ask(rule, subject, terms, estimate);
//   if (!charges.Reserve(now)) return charges.Refusal(now);
//   ...
//   charges.Grow(amounts, subject);             // As a stream goes.
//   charges.Settle(amounts, now, &settled);     // Once.
//
// What is never settled is given back with this object.
//
// Thread-compatible.

#ifndef SERVICE_BUDGETS_BUDGET_CHARGES_H_
#define SERVICE_BUDGETS_BUDGET_CHARGES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_entries.h"
#include "service/budgets/budget_rule.h"
#include "service/budgets/budget_settlement.h"
#include "service/budgets/budget_table.h"
#include "service/limits/counter_key.h"
#include "service/limits/limit_subject.h"

namespace gateway {

class BudgetCharges {
 public:
  // The output of a stream is reserved in steps of so many tokens.
  static constexpr int64_t kOutputStep = 64;

  // Has reserved nothing. Borrows both. `asker` names whose scopes are counted
  // together, where there are too many; empty if nobody's are.
  explicit BudgetCharges(BudgetTable& table, std::string_view asker = {})
      : table_(table), asker_(asker) {}
  BudgetCharges(const BudgetCharges&) = delete;
  BudgetCharges& operator=(const BudgetCharges&) = delete;
  ~BudgetCharges() { Cancel(); }

  // Notes that the subject's scope of the budget is to be asked, with an
  // estimate of what the call will take. The rule must outlive this; the
  // subject is borrowed until Reserve has returned.
  void Ask(const BudgetRule& rule, LimitSubject& subject,
           const BudgetTerms& terms, const BudgetAmounts& estimate,
           bool price_known);

  // Reserves what was asked for, all or nothing. With `needs_session` it is
  // refused if no scope of sessions is for it. To be called once; and again
  // where it was not, NeedsToAsk says so, and other replicas have been told.
  bool Reserve(absl::Time now, bool needs_session = false);
  bool NeedsToAsk() const { return BudgetTable::NeedsToAsk(charges_); }
  // Whether anything is reserved: not before, nor once it is settled.
  bool HoldsAny() const;
  // Whether something of that scope of the budget is.
  bool Holds(const BudgetRule& rule, const CounterKey& key) const;
  // Counts a refusal of what this replica was promised too little of, even
  // after the others have been told.
  void CountShort() const;

  // The fault of a call that was not let in (budget_fault.h).
  absl::Status Refusal(absl::Time now) const;

  // Whether so many tokens of an answer are to be reserved, of which some may
  // have been told before.
  bool IsDue(int64_t output_tokens) const {
    return output_tokens >= output_told_ + kOutputStep;
  }
  // Makes what is reserved into `amounts` where that is more; of budgets of
  // targets only what is of the one that `delivering` names.
  void Grow(const BudgetAmounts& amounts, LimitSubject& delivering);

  // Makes what was reserved into what the call has really taken, once; later
  // ones mean nothing. Budgets of targets are charged for each attempt, by
  // ChargeTarget; what was reserved of them is given back. Says in `settled`,
  // unless that is null, what is to be kept of it.
  void Settle(const BudgetAmounts& real, absl::Time now,
              BudgetSettlement* settled);

  // Charges the subject's scope of a budget of targets, and returns what came
  // of it.
  BudgetCharge ChargeTarget(const BudgetRule& rule, LimitSubject& subject,
                            const BudgetTerms& terms, const BudgetAmounts& real,
                            absl::Time now, BudgetSettlement* settled);

  // Gives back what is reserved.
  void Cancel();

  // What is to be charged to each scope that something is reserved of if the
  // process ends before the call does, which then has taken so much; not to
  // those of budgets of targets. On any thread, while nobody else calls what is
  // not const.
  std::vector<BudgetChange> IfTaken(const BudgetAmounts& amounts,
                                    absl::Time now) const;
  // Appends what is to be charged then to the subject's scope of a budget of
  // targets, as ChargeTarget does. Likewise.
  void AddTargetIfTaken(const BudgetRule& rule, LimitSubject& subject,
                        const BudgetTerms& terms, const BudgetAmounts& amounts,
                        absl::Time now,
                        std::vector<BudgetChange>* changes) const;

  // The least of what is left of budgets that refuse, of dollars and of tokens,
  // now or, of what was settled, then; nothing without one.
  struct Remaining {
    std::optional<int64_t> cost_usd_nanos;
    std::optional<int64_t> tokens;

    // Makes it the least of both.
    void TakeLess(const Remaining& other);
  };
  Remaining WhatRemains(absl::Time now) const;

  absl::Span<const BudgetCharge> charges() const { return charges_; }

  // Whether there is anything to tell of a call that is let in: of a budget
  // that it does not fit into, or that is nearly spent.
  bool HasNews() const;
  // The budgets that it does not fit into and that let it pass all the same.
  // REQUIRES: it is reserved.
  std::vector<BudgetExceeded> Exceeded() const;

 private:
  // What is not reserved, of the subject's scope.
  BudgetCharge TargetCharge(const BudgetRule& rule, LimitSubject& subject,
                            const BudgetTerms& terms) const;

  BudgetTable& table_;
  const std::string_view asker_;
  absl::InlinedVector<BudgetCharge, 4> charges_;
  int64_t output_told_ = 0;
};

// What charges that somebody else keeps have reserved, given back with this.
struct GiveBackCharges {
  void operator()(BudgetCharges* charges) const { charges->Cancel(); }
};
using BudgetReservation = std::unique_ptr<BudgetCharges, GiveBackCharges>;

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_CHARGES_H_
