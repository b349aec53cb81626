#include "service/budgets/budget_charges.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "service/budgets/budget_fault.h"
#include "service/limits/limit_rule.h"

namespace gateway {

void BudgetCharges::Ask(const BudgetRule& rule, LimitSubject& subject,
                        const BudgetTerms& terms, const BudgetAmounts& estimate,
                        bool price_known) {
  charges_.push_back({.rule = &rule,
                      .key = rule.KeyOf(subject),
                      .subject = &subject,
                      .asker = asker_,
                      .terms = terms,
                      .price_known = price_known,
                      .amounts = estimate});
}

bool BudgetCharges::Reserve(absl::Time now, bool needs_session) {
  if (NeedsToAsk()) BudgetTable::PrepareAgain(absl::MakeSpan(charges_));
  for (const BudgetCharge& charge : charges_) {
    output_told_ = std::max(output_told_, charge.amounts.output_tokens);
  }
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
            .scope_key = charge.cell->scope.Text(),
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

void BudgetCharges::Grow(const BudgetAmounts& amounts) {
  output_told_ = std::max(output_told_, amounts.output_tokens);
  table_.Grow(absl::MakeSpan(charges_), amounts);
}

void BudgetCharges::Settle(const BudgetAmounts& real, absl::Time now,
                           BudgetDebit* debit) {
  const int64_t second = absl::ToUnixSeconds(now);
  std::vector<BudgetChange>* const changes =
      debit == nullptr ? nullptr : &debit->changes;
  for (BudgetCharge& charge : charges_) {
    const absl::Span<BudgetCharge> one = absl::MakeSpan(&charge, 1);
    if (charge.state != BudgetCharge::State::kReserved) continue;
    if (charge.rule->is_of_target()) {
      table_.Cancel(one);
    } else {
      table_.Settle(one, real, second, changes);
    }
  }
  if (debit == nullptr) return;
  debit->total = real;
  NameScope(now, debit);
}

void BudgetCharges::ChargeTarget(const BudgetRule& rule, LimitSubject& subject,
                                 const BudgetTerms& terms,
                                 const BudgetAmounts& real, absl::Time now,
                                 BudgetDebit* debit) {
  BudgetCharge charge = {.rule = &rule,
                         .key = rule.KeyOf(subject),
                         .subject = &subject,
                         .asker = asker_,
                         .terms = terms};
  table_.Settle(absl::MakeSpan(&charge, 1), real, absl::ToUnixSeconds(now),
                debit == nullptr ? nullptr : &debit->changes);
  if (debit != nullptr && debit->scope_key.empty() && !debit->empty()) {
    debit->scope_key = debit->changes.front().scope.Text();
  }
}

void BudgetCharges::Cancel() { table_.Cancel(absl::MakeSpan(charges_)); }

BudgetDebit BudgetCharges::Reserved(absl::Time now) const {
  BudgetDebit debit;
  const int64_t second = absl::ToUnixSeconds(now);
  for (const BudgetCharge& charge : charges_) {
    if (charge.state != BudgetCharge::State::kReserved) continue;
    // Its cell stays as long as something is reserved; the name of it never
    // changes, but where its window begins does, under the table's lock.
    const auto standing = table_.Find(charge.cell->scope, second);
    if (!standing.has_value()) continue;
    const BudgetAccount& account = standing->account;
    const BudgetSpend& own =
        standing->own.has_value() ? *standing->own : account.spend;
    debit.changes.push_back({.scope = standing->scope,
                             .start = own.StartAt(account.window, second),
                             .time = second,
                             .amounts = charge.amounts,
                             .binding = account.binding});
    debit.total = charge.amounts;
  }
  NameScope(now, &debit);
  return debit;
}

void BudgetCharges::NameScope(absl::Time now, BudgetDebit* debit) const {
  const BudgetChange* told = nullptr;
  for (const BudgetChange& change : debit->changes) {
    const bool is_of_session = IsSessionBudget(change.scope.budget);
    if (told == nullptr) {
      told = &change;
    } else if (is_of_session && !IsSessionBudget(told->scope.budget)) {
      told = &change;
    } else if (is_of_session && debit->parent_scope_key.empty()) {
      // They are charged the innermost first.
      debit->parent_scope_key = change.scope.Text();
    }
  }
  if (told == nullptr) return;
  debit->scope_key = told->scope.Text();
  for (const BudgetCharge& charge : charges_) {
    if (charge.rule->name() != told->scope.budget) continue;
    debit->remaining = table_.RemainingOf(charge, absl::ToUnixSeconds(now))
                           .value_or(debit->remaining);
  }
}

template <typename Counts>
std::optional<int64_t> BudgetCharges::Least(absl::Time now,
                                            const Counts& counts) const {
  std::optional<int64_t> least;
  for (const BudgetCharge& charge : charges_) {
    if (charge.state == BudgetCharge::State::kSkipped ||
        charge.rule->mode() != BudgetMode::kEnforce || !counts(*charge.rule)) {
      continue;
    }
    const std::optional<int64_t> left =
        table_.RemainingOf(charge, absl::ToUnixSeconds(now));
    if (!left.has_value()) continue;
    least = std::min(least.value_or(*left), *left);
  }
  return least;
}

std::optional<int64_t> BudgetCharges::RemainingCost(absl::Time now) const {
  return Least(now, [](const BudgetRule& rule) { return rule.counts_cost(); });
}

std::optional<int64_t> BudgetCharges::RemainingTokens(absl::Time now) const {
  return Least(now, [](const BudgetRule& rule) { return !rule.counts_cost(); });
}

}  // namespace gateway
