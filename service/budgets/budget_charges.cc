#include "service/budgets/budget_charges.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "service/budgets/budget_fault.h"
#include "service/limits/limit_rule.h"

namespace gateway {
namespace {

void TakeLessOf(const std::optional<int64_t>& other,
                std::optional<int64_t>* least) {
  if (other.has_value()) *least = std::min(least->value_or(*other), *other);
}

}  // namespace

void BudgetCharges::Ask(const BudgetRule& rule, LimitSubject& subject,
                        const BudgetTerms& terms, const BudgetAmounts& estimate,
                        bool price_known) {
  BudgetCharge& charge = charges_.emplace_back();
  charge.rule = &rule;
  charge.key = rule.KeyOf(subject);
  charge.subject = &subject;
  charge.asker = asker_;
  charge.terms = terms;
  charge.price_known = price_known;
  charge.amounts = estimate;
  output_told_ = std::max(output_told_, estimate.output_tokens);
}

bool BudgetCharges::Reserve(absl::Time now, bool needs_session) {
  if (NeedsToAsk()) BudgetTable::PrepareAgain(absl::MakeSpan(charges_));
  return table_.Reserve(absl::MakeSpan(charges_), absl::ToUnixSeconds(now),
                        needs_session);
}

void BudgetCharges::CountShort() const {
  if (!NeedsToAsk()) return;
  for (const BudgetCharge& charge : charges_) {
    if (!charge.refuses()) continue;
    charge.rule->counts().refused.fetch_add(1, std::memory_order_relaxed);
  }
}

absl::Status BudgetCharges::Refusal(absl::Time now) const {
  return BudgetFault(charges_, now);
}

bool BudgetCharges::HasNews() const {
  return std::any_of(
      charges_.begin(), charges_.end(), [](const BudgetCharge& charge) {
        return charge.near || charge.obstacle != BudgetObstacle::kNone;
      });
}

std::vector<BudgetExceeded> BudgetCharges::Exceeded() const {
  std::vector<BudgetExceeded> exceeded;
  for (const BudgetCharge& charge : charges_) {
    if (charge.obstacle == BudgetObstacle::kNone || charge.cell == nullptr) {
      continue;
    }
    const BudgetRule& rule = *charge.rule;
    const bool counts_calls = charge.obstacle == BudgetObstacle::kTurns;
    BudgetExceeded& told = exceeded.emplace_back();
    told = {.budget = rule.name(),
            // The name of a cell never changes.
            .scope_key = charge.cell->scope->Text(),
            .mode = BudgetModeName(rule.mode()),
            .code = BudgetDenialCode(charges_, charge),
            .unit = counts_calls         ? "calls"
                    : rule.counts_cost() ? "usd_nanos"
                                         : LimitUnitName(rule.unit()),
            .requested = counts_calls ? 1 : charge.amounts.In(rule.unit()),
            .remaining = charge.remaining,
            .requested_tokens = charge.amounts.total_tokens()};
    if (!counts_calls && !rule.counts_cost()) {
      told.remaining_tokens = charge.remaining;
    }
  }
  return exceeded;
}

void BudgetCharges::Grow(const BudgetAmounts& amounts,
                         LimitSubject& delivering) {
  output_told_ = std::max(output_told_, amounts.output_tokens);
  for (BudgetCharge& charge : charges_) {
    charge.first_filled = false;
    const BudgetRule& rule = *charge.rule;
    if (rule.is_of_target() && charge.key != rule.KeyOf(delivering)) continue;
    table_.Grow(absl::MakeSpan(&charge, 1), amounts);
  }
}

void BudgetCharges::Settle(const BudgetAmounts& real, absl::Time now,
                           BudgetSettlement* settled) {
  const int64_t second = absl::ToUnixSeconds(now);
  const BudgetCharge* told = nullptr;
  for (BudgetCharge& charge : charges_) {
    const absl::Span<BudgetCharge> one = absl::MakeSpan(&charge, 1);
    if (charge.state != BudgetCharge::State::kReserved) continue;
    if (charge.rule->is_of_target()) {
      table_.Cancel(one);
      charge.filled = BudgetFilled::kNotNear;
      continue;
    }
    table_.Settle(one, real, second, settled);
    // As DebitOf names it.
    const bool is_told = told == nullptr || (charge.rule->is_of_session() &&
                                             !told->rule->is_of_session());
    if (is_told) told = &charge;
  }
  if (settled == nullptr) return;
  settled->total = real;
  settled->time = second;
  if (told != nullptr && !told->rule->counts_cost()) {
    settled->remaining = told->left.value_or(-1);
  }
}

BudgetCharge BudgetCharges::ChargeTarget(const BudgetRule& rule,
                                         LimitSubject& subject,
                                         const BudgetTerms& terms,
                                         const BudgetAmounts& real,
                                         absl::Time now,
                                         BudgetSettlement* settled) {
  BudgetCharge charge = TargetCharge(rule, subject, terms);
  table_.Settle(absl::MakeSpan(&charge, 1), real, absl::ToUnixSeconds(now),
                settled);
  return charge;
}

BudgetCharge BudgetCharges::TargetCharge(const BudgetRule& rule,
                                         LimitSubject& subject,
                                         const BudgetTerms& terms) const {
  return {.rule = &rule,
          .key = rule.KeyOf(subject),
          .subject = &subject,
          .asker = asker_,
          .terms = terms};
}

void BudgetCharges::Cancel() { table_.Cancel(absl::MakeSpan(charges_)); }

bool BudgetCharges::HoldsAny() const {
  return std::any_of(charges_.begin(), charges_.end(),
                     [](const BudgetCharge& charge) {
                       return charge.state == BudgetCharge::State::kReserved;
                     });
}

bool BudgetCharges::Holds(const BudgetRule& rule, const CounterKey& key) const {
  return std::any_of(
      charges_.begin(), charges_.end(), [&](const BudgetCharge& charge) {
        return charge.state == BudgetCharge::State::kReserved &&
               charge.rule == &rule && charge.key == key;
      });
}

std::vector<BudgetChange> BudgetCharges::IfTaken(const BudgetAmounts& amounts,
                                                 absl::Time now) const {
  std::vector<BudgetChange> changes;
  changes.reserve(charges_.size());
  for (const BudgetCharge& charge : charges_) {
    if (charge.state != BudgetCharge::State::kReserved) continue;
    if (charge.rule->is_of_target()) continue;
    changes.push_back(
        table_.IfTaken(charge, amounts, absl::ToUnixSeconds(now)));
  }
  return changes;
}

void BudgetCharges::AddTargetIfTaken(const BudgetRule& rule,
                                     LimitSubject& subject,
                                     const BudgetTerms& terms,
                                     const BudgetAmounts& amounts,
                                     absl::Time now,
                                     std::vector<BudgetChange>* changes) const {
  BudgetCharge charge = TargetCharge(rule, subject, terms);
  std::optional<BudgetChange> change =
      table_.IfTakenUnreserved(charge, amounts, absl::ToUnixSeconds(now));
  if (change.has_value()) changes->push_back(*std::move(change));
}

BudgetCharges::Remaining BudgetCharges::WhatRemains(absl::Time now) const {
  Remaining remaining;
  for (const BudgetCharge& charge : charges_) {
    const BudgetRule& rule = *charge.rule;
    if (charge.state == BudgetCharge::State::kSkipped ||
        rule.mode() != BudgetMode::kEnforce) {
      continue;
    }
    const std::optional<int64_t> left =
        charge.is_settled
            ? charge.left
            : table_.RemainingOf(charge, absl::ToUnixSeconds(now));
    TakeLessOf(left, rule.counts_cost() ? &remaining.cost_usd_nanos
                                        : &remaining.tokens);
  }
  return remaining;
}

void BudgetCharges::Remaining::TakeLess(const Remaining& other) {
  TakeLessOf(other.cost_usd_nanos, &cost_usd_nanos);
  TakeLessOf(other.tokens, &tokens);
}

}  // namespace gateway
