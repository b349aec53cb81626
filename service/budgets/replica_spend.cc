#include "service/budgets/replica_spend.h"

#include <algorithm>

namespace gateway {
namespace {

// Makes one of each two amounts.
template <typename Make>
BudgetAmounts OfBoth(const BudgetAmounts& a, const BudgetAmounts& b,
                     const Make& make) {
  return {.input_tokens = make(a.input_tokens, b.input_tokens),
          .output_tokens = make(a.output_tokens, b.output_tokens),
          .cost_usd_nanos = make(a.cost_usd_nanos, b.cost_usd_nanos),
          .turns = make(a.turns, b.turns)};
}

// What `more` has beyond `less`, of each amount.
BudgetAmounts Excess(const BudgetAmounts& more, const BudgetAmounts& less) {
  return OfBoth(more, less, [](int64_t a, int64_t b) {
    return std::max<int64_t>(SaturatingSum(a, -b), 0);
  });
}

BudgetAmounts Lesser(const BudgetAmounts& a, const BudgetAmounts& b) {
  return OfBoth(a, b, [](int64_t x, int64_t y) {
    return std::max<int64_t>(std::min(x, y), 0);
  });
}

BudgetAmounts AmountsAt(const BudgetSpend& spend, int64_t start) {
  for (const BudgetSpend::Step& step : spend.steps()) {
    if (step.start == start) return step.amounts;
  }
  return {};
}

}  // namespace

BudgetSpend ReplicaSpend::Counting(const BudgetWindow& window,
                                   int64_t reset_version, bool is_closed,
                                   int64_t now) const {
  const auto of = [&](const std::optional<Sums>& sums) {
    if (!sums.has_value() || sums->reset_version != reset_version) {
      return BudgetSpend();
    }
    BudgetSpend spend = sums->spend;
    // Its clock may be ahead.
    spend.Rebase(window, now);
    spend.ForgetBefore(window, now);
    return spend;
  };
  if (is_closed && !lives) return of(recorded);
  return GreaterSpend(window, of(told), of(recorded));
}

BudgetSpend GreaterSpend(const BudgetWindow& window, const BudgetSpend& one,
                         const BudgetSpend& other) {
  if (one.start() == 0) return other;
  if (other.start() == 0) return one;
  BudgetSpend greater = one;
  if (window.rolls()) {
    for (const BudgetSpend::Step& step : other.steps()) {
      greater.Add(window, step.start, other.last_time(),
                  Excess(step.amounts, AmountsAt(one, step.start)));
    }
    return greater;
  }
  if (window.kind() == BudgetWindow::Kind::kNone) {
    // Each has a start of its own.
    BudgetAmounts sum = one.sum();
    return BudgetSpend::From(std::min(one.start(), other.start()),
                             std::max(one.last_time(), other.last_time()),
                             sum += Excess(other.sum(), sum), {});
  }
  if (one.start() != other.start()) {
    return one.start() > other.start() ? one : other;
  }
  greater.Add(window, other.start(), other.last_time(),
              Excess(other.sum(), one.sum()));
  return greater;
}

void TakeAway(const BudgetWindow& window, const BudgetSpend& less,
              BudgetSpend* spend) {
  constexpr int64_t kNotLater = 0;
  if (window.rolls()) {
    for (const BudgetSpend::Step& step : less.steps()) {
      const BudgetAmounts there = AmountsAt(*spend, step.start);
      spend->Add(window, step.start, kNotLater, -Lesser(there, step.amounts));
    }
    return;
  }
  const bool is_same = window.kind() == BudgetWindow::Kind::kNone ||
                       less.start() == spend->start();
  if (!is_same) return;
  spend->Add(window, spend->start(), kNotLater,
             -Lesser(spend->sum(), less.sum()));
}

}  // namespace gateway
