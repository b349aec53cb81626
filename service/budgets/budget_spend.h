// BudgetSpend is what a scope has spent in its window. Entries of the ledger
// and calls that end add to it, in whatever order: what comes of them is the
// same, since all that is added to a window is a sum, and the latest window
// counts.
//
//   spend.Add(window, window.SpanAt(now).start, now, amounts);
//   spend.ForgetBefore(window, now);
//   const int64_t spent = spend.sum().In(unit);
//
// Thread-compatible.

#ifndef SERVICE_BUDGETS_BUDGET_SPEND_H_
#define SERVICE_BUDGETS_BUDGET_SPEND_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_window.h"

namespace gateway {

class BudgetSpend {
 public:
  // What was spent in one step of a window that rolls.
  struct Step {
    int64_t start = 0;
    BudgetAmounts amounts;

    bool operator==(const Step&) const = default;
  };

  // Adds to the window, or step, that begins at `start`; `time` is when, in
  // seconds. What belongs to a window before the one that is known is over.
  void Add(const BudgetWindow& window, int64_t start, int64_t time,
           const BudgetAmounts& amounts);

  // Drops what is over by now. Of one without a window nothing is.
  void ForgetBefore(const BudgetWindow& window, int64_t now);

  // When the window began; of one that rolls the newest step. 0 before the
  // first.
  int64_t start() const { return start_; }
  // When something was added last; 0 before.
  int64_t last_time() const { return last_time_; }
  const BudgetAmounts& sum() const { return sum_; }
  // In the order of time; of a window that rolls only.
  const std::vector<Step>& steps() const { return steps_; }

  // Where a charge of now belongs: a clock that was put back brings nothing
  // into a window that is over.
  int64_t StartAt(const BudgetWindow& window, int64_t now) const;

  // When so much of what was spent will have come back, counted by `units_of`;
  // kNever if it does not. `end` is that of the present window.
  int64_t TimeToHaveBack(
      const BudgetWindow& window, int64_t units, int64_t end,
      absl::FunctionRef<int64_t(const BudgetAmounts&)> units_of) const;

  // All that is known, as it was before.
  static BudgetSpend From(int64_t start, int64_t last_time, BudgetAmounts sum,
                          std::vector<Step> steps);

  bool operator==(const BudgetSpend&) const = default;

 private:
  void AddStep(const BudgetWindow& window, int64_t start,
               const BudgetAmounts& amounts);

  int64_t start_ = 0;
  int64_t last_time_ = 0;
  BudgetAmounts sum_;
  std::vector<Step> steps_;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_SPEND_H_
