#include "service/budgets/budget_spend.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace gateway {

BudgetSpend BudgetSpend::From(int64_t start, int64_t last_time,
                              BudgetAmounts sum, std::vector<Step> steps) {
  BudgetSpend spend;
  spend.start_ = start;
  spend.last_time_ = last_time;
  spend.sum_ = sum;
  spend.steps_ = std::move(steps);
  return spend;
}

void BudgetSpend::Add(const BudgetWindow& window, int64_t start, int64_t time,
                      const BudgetAmounts& amounts) {
  last_time_ = std::max(last_time_, time);
  if (window.rolls()) return AddStep(window, start, amounts);
  if (start < start_) return;
  if (start > start_) {
    start_ = start;
    sum_ = {};
  }
  sum_ += amounts;
}

void BudgetSpend::AddStep(const BudgetWindow& window, int64_t start,
                          const BudgetAmounts& amounts) {
  if (window.EndOfStep(start) <= start_) return;
  const auto place = std::lower_bound(
      steps_.begin(), steps_.end(), start,
      [](const Step& step, int64_t begin) { return step.start < begin; });
  if (place != steps_.end() && place->start == start) {
    place->amounts += amounts;
  } else {
    steps_.insert(place, {.start = start, .amounts = amounts});
  }
  sum_ += amounts;
  start_ = std::max(start_, start);
  ForgetBefore(window, start_);
}

void BudgetSpend::ForgetBefore(const BudgetWindow& window, int64_t now) {
  if (window.rolls()) {
    const auto kept = std::find_if(
        steps_.begin(), steps_.end(),
        [&](const Step& step) { return window.EndOfStep(step.start) > now; });
    if (kept == steps_.begin()) return;
    steps_.erase(steps_.begin(), kept);
    sum_ = {};
    for (const Step& step : steps_) sum_ += step.amounts;
    return;
  }
  if (window.kind() == BudgetWindow::Kind::kNone) return;
  const int64_t start = window.SpanAt(now).start;
  // A clock that was put back finds the window as it is.
  if (start <= start_) return;
  start_ = start;
  sum_ = {};
}

int64_t BudgetSpend::StartAt(const BudgetWindow& window, int64_t now) const {
  if (window.kind() == BudgetWindow::Kind::kNone) {
    return start_ == 0 ? now : start_;
  }
  const int64_t start = window.SpanAt(now).start;
  if (!window.rolls()) return std::max(start, start_);
  return window.EndOfStep(start) <= start_ ? start_ : start;
}

int64_t BudgetSpend::TimeToHaveBack(
    const BudgetWindow& window, int64_t units, int64_t end,
    absl::FunctionRef<int64_t(const BudgetAmounts&)> units_of) const {
  if (!window.rolls()) return end;
  int64_t back = 0;
  for (const Step& step : steps_) {
    back = SaturatingSum(back, units_of(step.amounts));
    if (back >= units) return window.EndOfStep(step.start);
  }
  return BudgetWindow::kNever;
}

}  // namespace gateway
