// BudgetSpend is what a scope has spent in its window. Entries of the ledger
// and calls that end add to it, in whatever order: what comes of them is the
// same, since all that is added to a window is a sum, and the latest window
// counts.
//
//   spend.Rebase(window, now);
//   spend.ForgetBefore(window, now);
//   spend.Add(window, spend.StartAt(window, now), now, amounts);
//   const int64_t spent = spend.sum().In(unit);
//
// A clock that is put back by up to a day leaves the window as it is: it ends
// when the clock is there again. One that is put back by more was wrong before:
// Rebase takes what was spent meanwhile back into the window of now, and what
// was spent in that one before the clock leapt ahead is there again.
//
// Thread-compatible.

#ifndef SERVICE_BUDGETS_BUDGET_SPEND_H_
#define SERVICE_BUDGETS_BUDGET_SPEND_H_

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_window.h"

namespace gateway {

class BudgetSpend {
 public:
  // By more than that a clock is put back only if it was wrong: a day, in
  // seconds. What is added in disorder is less apart.
  static constexpr int64_t kLeapSeconds = 86'400;

  // What was spent in one step of a window that rolls; of another, in all of
  // it.
  struct Step {
    int64_t start = 0;
    BudgetAmounts amounts;

    bool operator==(const Step&) const = default;
  };

  // Adds to the window, or step, that begins at `start`; `time` is when, in
  // seconds. What belongs to a window before the one that is known is over.
  void Add(const BudgetWindow& window, int64_t start, int64_t time,
           const BudgetAmounts& amounts);

  // Whether something of it is over by now.
  bool HasOver(const BudgetWindow& window, int64_t now) const;
  // Drops what is over by now. Of one without a window nothing is.
  void ForgetBefore(const BudgetWindow& window, int64_t now);
  // Of one without a window: drops all, since nobody has called for long.
  void ForgetAll(int64_t now);

  // Whether it is of a time that comes more than a day after now.
  bool IsAhead(int64_t now) const {
    const int64_t ends = start_ == 0 ? leap_.time : start_;
    return std::max(ends, last_time_) > now + kLeapSeconds;
  }
  // If it is, takes all that is ahead into the window of now, or into the one
  // that begins at `start`. Nothing that was spent is forgotten.
  void Rebase(const BudgetWindow& window, int64_t now);
  void RebaseTo(const BudgetWindow& window, int64_t now, int64_t start);

  // When the window began; of one that rolls the newest step, or where it was
  // when it leapt. 0 before the first.
  int64_t start() const { return start_; }
  // When something was added last; 0 before.
  int64_t last_time() const { return last_time_; }
  const BudgetAmounts& sum() const { return sum_; }
  // In the order of time; of a window that rolls only.
  const std::vector<Step>& steps() const { return steps_; }

  // What a leap of more than a day has ended, and where to: it counts no more,
  // unless that time turns out not to have come.
  struct Leap {
    int64_t time = 0;
    std::vector<Step> before;

    bool operator==(const Leap&) const = default;
  };
  const Leap& leap() const { return leap_; }

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
  static BudgetSpend From(int64_t start, int64_t last_time, BudgetAmounts sum,
                          std::vector<Step> steps, Leap leap);

  bool operator==(const BudgetSpend&) const = default;

 private:
  void AddStep(const BudgetWindow& window, int64_t start,
               const BudgetAmounts& amounts);
  // Begins another window, of a calendar.
  void BeginAt(int64_t start);
  // Moves a window that rolls on, to a step that begins at `start`, or not.
  void RollTo(const BudgetWindow& window, int64_t start, int64_t now);
  int64_t StartToRebase(const BudgetWindow& window, int64_t now) const;

  int64_t start_ = 0;
  int64_t last_time_ = 0;
  BudgetAmounts sum_;
  std::vector<Step> steps_;
  Leap leap_;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_SPEND_H_
