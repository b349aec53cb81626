#include "service/budgets/budget_spend.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace gateway {

BudgetSpend BudgetSpend::From(int64_t start, int64_t last_time,
                              BudgetAmounts sum, std::vector<Step> steps) {
  return From(start, last_time, sum, std::move(steps), Leap());
}

BudgetSpend BudgetSpend::From(int64_t start, int64_t last_time,
                              BudgetAmounts sum, std::vector<Step> steps,
                              Leap leap) {
  BudgetSpend spend;
  spend.start_ = start;
  spend.last_time_ = last_time;
  spend.sum_ = sum;
  spend.steps_ = std::move(steps);
  spend.leap_ = std::move(leap);
  return spend;
}

void BudgetSpend::Add(const BudgetWindow& window, int64_t start, int64_t time,
                      const BudgetAmounts& amounts) {
  last_time_ = std::max(last_time_, time);
  if (window.rolls()) return AddStep(window, start, amounts);
  if (start < start_) return;
  if (start > start_) BeginAt(start);
  sum_ += amounts;
}

void BudgetSpend::BeginAt(int64_t start) {
  const bool leaps = start_ != 0 && start - start_ > kLeapSeconds;
  if (leaps && sum_ != BudgetAmounts()) {
    leap_ = {.time = start, .before = {{.start = start_, .amounts = sum_}}};
  }
  start_ = start;
  sum_ = {};
}

void BudgetSpend::AddStep(const BudgetWindow& window, int64_t start,
                          const BudgetAmounts& amounts) {
  if (window.EndOfStep(start) <= start_) return;
  if (start > start_) RollTo(window, start, start);
  const auto place = std::lower_bound(
      steps_.begin(), steps_.end(), start,
      [](const Step& step, int64_t begin) { return step.start < begin; });
  if (place != steps_.end() && place->start == start) {
    place->amounts += amounts;
  } else {
    steps_.insert(place, {.start = start, .amounts = amounts});
  }
  sum_ += amounts;
}

void BudgetSpend::RollTo(const BudgetWindow& window, int64_t start,
                         int64_t now) {
  const bool leaps = start_ != 0 && start - start_ > kLeapSeconds;
  start_ = std::max(start_, start);
  // By then it would be over in any case.
  if (now > leap_.time + window.EndOfStep(0)) leap_ = {};
  const auto kept = std::find_if(
      steps_.begin(), steps_.end(),
      [&](const Step& step) { return window.EndOfStep(step.start) > now; });
  if (kept == steps_.begin()) return;
  if (leaps) leap_ = {.time = now, .before = {steps_.begin(), kept}};
  steps_.erase(steps_.begin(), kept);
  sum_ = {};
  for (const Step& step : steps_) sum_ += step.amounts;
}

bool BudgetSpend::HasOver(const BudgetWindow& window, int64_t now) const {
  if (window.kind() == BudgetWindow::Kind::kNone) return false;
  if (window.rolls()) {
    return !steps_.empty() && window.EndOfStep(steps_.front().start) <= now;
  }
  return sum_ != BudgetAmounts() && window.SpanAt(now).start > start_;
}

void BudgetSpend::ForgetBefore(const BudgetWindow& window, int64_t now) {
  if (window.kind() == BudgetWindow::Kind::kNone) return;
  const int64_t start = window.SpanAt(now).start;
  if (window.rolls()) {
    return RollTo(window, start - start_ > kLeapSeconds ? start : start_, now);
  }
  // A clock that was put back finds the window as it is.
  if (start > start_) BeginAt(start);
}

void BudgetSpend::ForgetAll(int64_t now) {
  if (start_ == 0) return;
  BeginAt(now);
  start_ = last_time_ = 0;
}

int64_t BudgetSpend::StartToRebase(const BudgetWindow& window,
                                   int64_t now) const {
  const int64_t before =
      leap_.before.empty() || leap_.time <= now ? 0 : leap_.before[0].start;
  if (window.kind() == BudgetWindow::Kind::kNone) {
    return before != 0 || start_ == 0 ? before : now;
  }
  const int64_t start = window.SpanAt(now).start;
  if (window.rolls() || before > now + kLeapSeconds) return start;
  return std::max(start, before);
}

void BudgetSpend::Rebase(const BudgetWindow& window, int64_t now) {
  if (IsAhead(now)) RebaseTo(window, now, StartToRebase(window, now));
}

void BudgetSpend::RebaseTo(const BudgetWindow& window, int64_t now,
                           int64_t start) {
  if (!IsAhead(now)) return;
  last_time_ = std::min(last_time_, now);
  // Only its last call was ahead.
  if (start_ != 0 && start_ <= now + kLeapSeconds) return;
  Leap leap = std::exchange(leap_, {});
  if (leap.time <= now) leap.before.clear();
  if (window.rolls()) {
    const std::vector<Step> ahead = std::exchange(steps_, {});
    start_ = 0;
    sum_ = {};
    for (const Step& step : leap.before)
      AddStep(window, step.start, step.amounts);
    for (const Step& step : ahead) {
      const bool is_ahead = step.start > now + kLeapSeconds;
      AddStep(window, is_ahead ? start : step.start, step.amounts);
    }
    return;
  }
  start_ = start;
  for (const Step& step : leap.before) {
    if (step.start >= start) sum_ += step.amounts;
  }
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
