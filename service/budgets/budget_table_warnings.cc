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

// Of a scope, in its budget's unit and in calls.
struct TakenOfScope {
  Taken units;
  Taken turns;

  double share() const { return std::max(units.share(), turns.share()); }
  bool is_used_up() const { return units.is_used_up() || turns.is_used_up(); }
};

TakenOfScope TakenOf(const BudgetCell& cell, const BudgetCharge& charge) {
  const LimitUnit unit = charge.rule->unit();
  const BudgetTerms& terms = charge.in_force;
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
  return {.units = units, .turns = turns};
}

}  // namespace

void BudgetTable::TellAgain(BudgetCell& cell, const BudgetCharge& charge) {
  const bool told_near = charge.first_near || charge.told_near;
  if (!told_near && !charge.first_exceeded && !charge.told_used_up) return;
  const TakenOfScope taken = TakenOf(cell, charge);
  if (charge.told_used_up && !taken.is_used_up()) cell.told_exceeded = false;
  // Not where it stays about there: each call would be told.
  if (taken.share() >= charge.rule->warn_threshold() / 2) return;
  if (told_near) cell.told_near = false;
  if (charge.first_exceeded) cell.told_exceeded = false;
}

void BudgetTable::RecordFilled(BudgetCell& cell, BudgetCharge* charge) {
  const BudgetRule& rule = *charge->rule;
  // Of what it did not fit into it is told.
  if (rule.mode() == BudgetMode::kOff ||
      charge->obstacle == BudgetObstacle::kSpent ||
      charge->obstacle == BudgetObstacle::kTurns) {
    return;
  }
  TakenOfScope taken = TakenOf(cell, *charge);
  charge->filled = BudgetFilled::kNotNear;
  charge->first_filled = false;
  if (taken.share() < rule.warn_threshold()) return;
  auto& [units, turns] = taken;
  if (charge->state == BudgetCharge::State::kReserved) {
    // What has come of a stream is as good as spent.
    units.spent = SaturatingSum(units.spent, charge->amounts.In(rule.unit()));
  }
  if (taken.is_used_up()) {
    charge->filled = BudgetFilled::kUsedUp;
    if (!std::exchange(cell.told_near, true)) charge->told_near = true;
    charge->first_filled = !std::exchange(cell.told_exceeded, true);
    charge->told_used_up = charge->told_used_up || charge->first_filled;
    return;
  }
  if (charge->near || rule.warn_threshold() >= 1) return;
  charge->filled = BudgetFilled::kNear;
  charge->first_filled = !std::exchange(cell.told_near, true);
  charge->told_near = charge->told_near || charge->first_filled;
  if (units.limit.has_value()) {
    charge->left = std::max<int64_t>(*units.limit - units.all, 0);
  }
  charge->turns_left.reset();
  if (turns.share() > units.share()) {
    charge->turns_left = std::max<int64_t>(*turns.limit - turns.all, 0);
  }
}

}  // namespace gateway
