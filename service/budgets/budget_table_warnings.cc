// What calls that BudgetTable has let in make of their scopes.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "service/budgets/budget_table.h"

namespace gateway {
namespace {

// What was taken of a limit, and how much of that is spent, not reserved.
struct Taken {
  std::optional<int64_t> limit;
  int64_t all = 0;
  int64_t spent = 0;

  double share() const {
    if (!limit.has_value()) return 0;
    if (*limit <= 0) return 1;
    return static_cast<double>(all) / static_cast<double>(*limit);
  }
  bool is_used_up() const { return limit.has_value() && spent >= *limit; }
};

}  // namespace

void BudgetTable::RecordFilled(BudgetCell& cell, BudgetCharge* charge) {
  const BudgetRule& rule = *charge->rule;
  // Of what it did not fit into it is told.
  if (rule.mode() == BudgetMode::kOff ||
      charge->obstacle == BudgetObstacle::kSpent ||
      charge->obstacle == BudgetObstacle::kTurns) {
    return;
  }
  const LimitUnit unit = rule.unit();
  const BudgetTerms& terms = charge->in_force;
  const BudgetAmounts& sum = cell.account.spend.sum();
  Taken units = {.limit = terms.limit, .spent = sum.In(unit)};
  Taken turns = {.limit = terms.turn_limit, .spent = sum.turns};
  units.all = SaturatingSum(units.spent, cell.reserved.In(unit));
  turns.all = SaturatingSum(turns.spent, cell.reserved.turns);
  if (cell.shared != nullptr) {
    const SharedScope::Others& others = cell.shared->others;
    const BudgetAmounts taken = others.taken();
    units.all = SaturatingSum(units.all, taken.In(unit));
    turns.all = SaturatingSum(turns.all, taken.turns);
    const BudgetAmounts& spent = others.spend.sum();
    units.spent = SaturatingSum(units.spent, spent.In(unit));
    turns.spent = SaturatingSum(turns.spent, spent.turns);
  }
  charge->filled = BudgetFilled::kNotNear;
  charge->first_filled = false;
  if (std::max(units.share(), turns.share()) < rule.warn_threshold()) return;
  if (charge->state == BudgetCharge::State::kReserved) {
    // What has come of a stream is as good as spent.
    units.spent = SaturatingSum(units.spent, charge->amounts.In(unit));
  }
  if (units.is_used_up() || turns.is_used_up()) {
    charge->filled = BudgetFilled::kUsedUp;
    cell.told_near = true;
    charge->first_filled = !std::exchange(cell.told_exceeded, true);
    return;
  }
  if (charge->near || rule.warn_threshold() >= 1) return;
  charge->filled = BudgetFilled::kNear;
  charge->first_filled = !std::exchange(cell.told_near, true);
  if (terms.limit.has_value()) {
    charge->left = std::max<int64_t>(*terms.limit - units.all, 0);
  }
  charge->turns_left.reset();
  if (turns.share() > units.share()) {
    charge->turns_left = std::max<int64_t>(*terms.turn_limit - turns.all, 0);
  }
}

}  // namespace gateway
