#include "service/budgets/budget_table.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace gateway {
namespace {

BudgetTerms TermsInForce(const BudgetAccount& account,
                         const BudgetTerms& terms) {
  BudgetTerms in_force = terms;
  if (!account.is_allocated()) return in_force;
  const BudgetAllocation& said = *account.allocation;
  if (said.limit.has_value()) in_force.limit = said.limit;
  if (said.turn_limit.has_value()) in_force.turn_limit = said.turn_limit;
  return in_force;
}

// How much of the limit is taken; 0 if there is none.
double FilledBy(int64_t taken, const std::optional<int64_t>& limit) {
  if (!limit.has_value()) return 0;
  if (*limit <= 0) return 1;
  return static_cast<double>(taken) / static_cast<double>(*limit);
}

// What is to be kept if the cell's scope takes so much now. REQUIRES: the lock
// of the cell's shard, and Renew.
BudgetChange ChangeOf(const BudgetCell& cell, const BudgetAmounts& amounts,
                      int64_t now) {
  const BudgetAccount& account = cell.account;
  int64_t start = account.spend.StartAt(account.window, now);
  // Of what has not begun others may be charged first: it is theirs, too.
  if (account.window.kind() == BudgetWindow::Kind::kNone &&
      account.spend.start() == 0 && cell.charged == nullptr) {
    start = BudgetChange::kWhereItBegan;
  }
  return {.scope = *cell.scope,
          .start = start,
          .time = now,
          .amounts = amounts,
          .binding = account.binding};
}

}  // namespace

BudgetTerms TermsOf(const BudgetRule& rule, const BudgetStanding& standing) {
  const BudgetTerms* const own =
      standing.scope.others ? nullptr
                            : rule.OverrideOf(rule.KeyOf(standing.scope));
  return TermsInForce(standing.account, own != nullptr ? *own : rule.terms());
}

double FilledRatio(const BudgetRule& rule, const BudgetStanding& standing) {
  BudgetAmounts taken = standing.account.spend.sum();
  taken += standing.reserved;
  const BudgetTerms terms = TermsOf(rule, standing);
  return std::max(FilledBy(taken.In(rule.unit()), terms.limit),
                  FilledBy(taken.turns, terms.turn_limit));
}

int64_t ExpireTimeOf(const BudgetRule& rule, const BudgetAccount& account) {
  if (account.is_allocated() && account.allocation->expire_time != 0) {
    return account.allocation->expire_time;
  }
  const int64_t start = account.spend.start();
  if (rule.timeout_seconds() == 0 || start == 0) return 0;
  return start + rule.timeout_seconds();
}

BudgetTable::BudgetTable(const KeySecret& secret, const Options& options)
    : secret_(secret), shards_(kShards) {
  SetOptions(options);
}

void BudgetTable::SetOptions(const Options& options) {
  scopes_limit_.store(options.scopes_limit);
  retention_seconds_.store(absl::ToInt64Seconds(options.retention));
}

int64_t BudgetTable::LastTimeOf(const BudgetCell& cell) {
  const int64_t own = cell.account.spend.last_time();
  return cell.shared == nullptr
             ? own
             : std::max(own, cell.shared->others.spend.last_time());
}

void BudgetTable::TakeCharged(BudgetCell& cell) {
  if (cell.charged == nullptr) return;
  cell.account.spend = std::move(cell.charged->spend);
  if (cell.charged->is_forgotten) {
    cell.account.binding = std::move(cell.charged->binding);
  }
  cell.charged.reset();
}

bool BudgetTable::Show(BudgetCell& cell, int64_t now) const {
  BudgetAccount& account = cell.account;
  BudgetSpend& spend = account.spend;
  const BudgetWindow& window = account.window;
  TakeCharged(cell);
  const bool is_ahead = spend.IsAhead(now);
  const int64_t last_time = LastTimeOf(cell);
  const bool is_forgotten = window.kind() == BudgetWindow::Kind::kNone &&
                            cell.reservations == 0 && last_time != 0 &&
                            last_time + retention_seconds_.load() <= now;
  if (!is_ahead && !is_forgotten && !spend.HasOver(window, now)) return false;
  cell.charged = std::make_unique<BudgetCell::Charged>(
      BudgetCell::Charged{.spend = spend,
                          .binding = account.binding,
                          .was_ahead = is_ahead,
                          .is_forgotten = is_forgotten});
  if (is_ahead) spend.Rebase(window, now);
  if (is_forgotten) {
    spend.ForgetAll(now);
    account.binding.reset();
  } else {
    spend.ForgetBefore(window, now);
  }
  return is_ahead;
}

void BudgetTable::Charge(BudgetCell& cell, int64_t start,
                         const BudgetAmounts& amounts, int64_t now) const {
  BudgetAccount& account = cell.account;
  if (cell.charged == nullptr) {
    return account.spend.Add(account.window, start, now, amounts);
  }
  // As BudgetAccount::Apply has it.
  account.spend = std::move(cell.charged->spend);
  cell.charged.reset();
  account.spend.RebaseTo(account.window, now, start);
  account.spend.Add(account.window, start, now, amounts);
  Show(cell, now);
}

void BudgetTable::RenewLate(BudgetCell& cell, int64_t now) const {
  const BudgetSpend& spend = cell.account.spend;
  const BudgetWindow& window = cell.account.window;
  SharedScope* const shared = cell.shared.get();
  const bool was_forgotten =
      cell.charged != nullptr && cell.charged->is_forgotten;
  // It stays so, and what is reserved of it meanwhile begins it anew.
  if (was_forgotten && (cell.reservations > 0 || !IsPutBack(cell, now))) return;
  // It was shown by a clock that was wrong then, or is now.
  const bool is_put_back = IsPutBack(cell, now);
  cell.shown_time = now;
  const bool was_ahead = cell.charged != nullptr && cell.charged->was_ahead;
  BudgetAmounts expired = spend.sum();
  const bool is_ahead = Show(cell, now);
  if (is_ahead) cell.window_end = 0;
  if (window.kind() == BudgetWindow::Kind::kNone) {
    cell.window_end = BudgetWindow::kNever;
    const bool is_forgotten =
        cell.charged != nullptr && cell.charged->is_forgotten;
    if (!is_forgotten || was_forgotten) return;
    if (shared != nullptr) {
      auto anew = std::make_unique<SharedScope>();
      anew->is_untold = shared->is_untold;
      anew->is_owed = shared->is_owed;
      cell.shared = std::move(anew);
    }
  } else {
    // That of a clock which was put back ends when it is there again.
    const int64_t end = window.SpanAt(std::max(now, spend.start())).end;
    const bool is_same = end == std::exchange(cell.window_end, end);
    if (is_same && !window.rolls()) return;
    if (shared != nullptr) {
      if (is_ahead || was_ahead || is_put_back) {
        SumUpOthers(cell, now);
        // What was told meanwhile is of another window.
        shared->others.granted = {};
        shared->BeginAnew();
        shared->Distrust();
      } else {
        shared->others.spend.ForgetBefore(window, now);
        if (window.rolls()) {
          shared->Expire(expired -= spend.sum());
        } else {
          shared->BeginAnew();
          shared->others.granted = {};
        }
      }
    }
    if (window.rolls()) {
      // What comes back first may do so within a step.
      cell.window_end = window.SpanAt(now).end;
      const auto ends_by = [&](const BudgetSpend& each) {
        if (each.steps().empty()) return;
        cell.window_end = std::min(
            cell.window_end, window.EndOfStep(each.steps().front().start));
      };
      ends_by(spend);
      if (shared != nullptr) ends_by(shared->others.spend);
      if (!spend.steps().empty()) return;
    }
  }
  cell.told_near = false;
  cell.told_exceeded = false;
}

void BudgetTable::CheckAmounts(const BudgetCell& cell, BudgetCharge* charge) {
  const BudgetRule& rule = *charge->rule;
  const BudgetWindow& window = cell.account.window;
  BudgetClaim spent = BudgetClaim::Of(cell.account.spend.sum(), rule.unit());
  BudgetClaim reserved = BudgetClaim::Of(cell.reserved, rule.unit());
  if (cell.shared != nullptr) {
    spent += BudgetClaim::Of(cell.shared->others.spend.sum(), rule.unit());
    reserved += BudgetClaim::Of(cell.shared->others.reserved, rule.unit());
  }
  const auto time_to_have_back = [&](int64_t units, const auto& units_of) {
    const BudgetSpend& own = cell.account.spend;
    return cell.shared == nullptr
               ? own.TimeToHaveBack(window, units, cell.window_end, units_of)
               : MergedSpend(window, own, cell.shared->others.spend)
                     .TimeToHaveBack(window, units, cell.window_end, units_of);
  };
  const BudgetTerms& terms = charge->in_force;
  const auto units_of = [&rule](const BudgetAmounts& amounts) {
    return amounts.In(rule.unit());
  };
  const auto turns_of = [](const BudgetAmounts& amounts) {
    return amounts.turns;
  };
  if (terms.turn_limit.has_value()) {
    const int64_t free = *terms.turn_limit - spent.turns;
    if (free < reserved.turns + charge->amounts.turns) {
      charge->obstacle = BudgetObstacle::kTurns;
      charge->remaining = std::max<int64_t>(free - reserved.turns, 0);
      if (free <= 0) charge->reset_time = time_to_have_back(1 - free, turns_of);
      return;
    }
  }
  if (!terms.limit.has_value()) return;
  const int64_t wanted = units_of(charge->amounts);
  // Both are at least 0, or a sum that has reached the largest number.
  const int64_t free = SaturatingSum(*terms.limit, -spent.units);
  const int64_t left = SaturatingSum(free, -reserved.units);
  charge->remaining = std::max<int64_t>(left, 0);
  if (left > 0 && wanted <= left) return;
  charge->obstacle = BudgetObstacle::kSpent;
  if (wanted > *terms.limit || *terms.limit == 0) {
    charge->reset_time = BudgetWindow::kNever;
  } else if (free <= 0 || wanted > free) {
    charge->reset_time =
        time_to_have_back(std::max<int64_t>(wanted, 1) - free, units_of);
  }
}

void BudgetTable::Check(BudgetCell& cell, int64_t now,
                        BudgetCharge* charge) const {
  const BudgetRule& rule = *charge->rule;
  charge->in_force = TermsInForce(cell.account, charge->terms);
  const int64_t expire_time =
      cell.shared == nullptr || rule.timeout_seconds() == 0
          ? ExpireTimeOf(rule, cell.account)
          : ExpireTimeOf(rule, StandingOf(cell).account);
  const std::optional<int64_t> of_request = rule.request_limit();
  charge->reset_time = 0;
  if (expire_time != 0 && now >= expire_time) {
    charge->obstacle = BudgetObstacle::kExpired;
    charge->expire_time = expire_time;
    charge->reset_time = BudgetWindow::kNever;
  } else if (rule.requires_price() && !charge->price_known) {
    charge->obstacle = BudgetObstacle::kNoPrice;
    charge->reset_time = BudgetWindow::kNever;
  } else if (of_request.has_value() &&
             charge->amounts.In(rule.unit()) > *of_request) {
    charge->obstacle = BudgetObstacle::kRequest;
    charge->remaining = *of_request;
    charge->reset_time = BudgetWindow::kNever;
  } else {
    CheckAmounts(cell, charge);
    if (cell.shared != nullptr) CheckClaim(cell, charge);
  }
}

void BudgetTable::Warn(BudgetCell& cell, BudgetCharge* charge) {
  if (charge->obstacle != BudgetObstacle::kNone) {
    charge->first_exceeded = !std::exchange(cell.told_exceeded, true);
    return;
  }
  const double threshold = charge->rule->warn_threshold();
  const BudgetTerms& terms = charge->in_force;
  const bool is_limited =
      terms.limit.has_value() || terms.turn_limit.has_value();
  if (!is_limited || threshold >= 1) return;
  BudgetAmounts taken = cell.account.spend.sum();
  taken += cell.reserved;
  if (cell.shared != nullptr) taken += cell.shared->others.taken();
  const double by_units = FilledBy(taken.In(charge->rule->unit()), terms.limit);
  const double by_turns = FilledBy(taken.turns, terms.turn_limit);
  charge->near = std::max(by_units, by_turns) >= threshold;
  if (!charge->near) return;
  charge->first_near = !std::exchange(cell.told_near, true);
  if (by_turns > by_units) {
    charge->turns_left = std::max<int64_t>(*terms.turn_limit - taken.turns, 0);
  }
}

void BudgetTable::CheckCaller(BudgetCell& cell, int64_t now,
                              BudgetCharge* charge) {
  if (cell.scope->others) {
    // It would be anybody's.
    charge->obstacle = BudgetObstacle::kNoPlace;
    charge->is_short = false;
    return;
  }
  const std::string caller = BudgetScopeValue(
      charge->subject->Text(::llmgateway::config::v1::LIMIT_DIMENSION_CALLER));
  std::optional<BudgetBinding>& binding = cell.account.binding;
  if (!binding.has_value()) {
    binding = BudgetBinding{.caller = caller, .time = now};
    charge->binds = true;
  }
  if (binding->caller == caller) return;
  charge->obstacle = BudgetObstacle::kOthers;
  charge->is_short = false;
}

bool BudgetTable::Reserve(absl::Span<BudgetCharge> charges, int64_t now,
                          bool needs_session) {
  bool refused = false;
  bool has_session = false;
  for (BudgetCharge& charge : charges) {
    UseCell(charge, now, [&](BudgetCell& cell) {
      Check(cell, now, &charge);
      if (charge.rule->mode() == BudgetMode::kOff) {
        charge.obstacle = BudgetObstacle::kNone;
      }
      // One that only says whose it is has nothing for the call.
      has_session =
          has_session || (charge.rule->is_of_session() &&
                          (charge.has_terms() || cell.account.is_allocated()));
      if (charge.rule->binds_caller()) CheckCaller(cell, now, &charge);
      if (charge.refuses()) {
        if (std::exchange(charge.binds, false)) cell.account.binding.reset();
        refused = true;
        return;
      }
      charge.state = BudgetCharge::State::kReserved;
      charge.cell = &cell;
      cell.reserved += charge.amounts;
      ++cell.reservations;
      if (cell.shared != nullptr) cell.shared->Take();
      if (charge.rule->mode() != BudgetMode::kOff) Warn(cell, &charge);
    });
  }
  refused = refused || (needs_session && !has_session);
  if (refused) {
    TakeBack(charges);
    Cancel(charges);
  }
  if (refused && NeedsToAsk(charges)) return false;
  if (refused) ForgetBegun(charges);
  for (const BudgetCharge& charge : charges) {
    if (charge.obstacle == BudgetObstacle::kNone) continue;
    BudgetCounts& counts = charge.rule->counts();
    if (charge.refuses()) {
      counts.refused.fetch_add(1, std::memory_order_relaxed);
    } else if (!refused) {
      counts.warned.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return !refused;
}

void BudgetTable::TakeBack(absl::Span<BudgetCharge> charges) {
  for (BudgetCharge& charge : charges) {
    if (!charge.first_near && !charge.first_exceeded && !charge.binds) continue;
    const MutexLock lock(ShardOf(charge.key).mu);
    if (std::exchange(charge.first_near, false)) {
      charge.cell->told_near = false;
    }
    if (std::exchange(charge.first_exceeded, false)) {
      charge.cell->told_exceeded = false;
    }
    if (std::exchange(charge.binds, false)) {
      charge.cell->account.binding.reset();
    }
  }
}

void BudgetTable::Release(BudgetCharge& charge, BudgetCell& cell) {
  if (cell.shared != nullptr) cell.shared->has_news = true;
  cell.reserved -= charge.amounts;
  --cell.reservations;
  charge.state = BudgetCharge::State::kOver;
  charge.cell = nullptr;
}

void BudgetTable::Grow(absl::Span<BudgetCharge> charges,
                       const BudgetAmounts& amounts) {
  for (BudgetCharge& charge : charges) {
    if (charge.state != BudgetCharge::State::kReserved) continue;
    Shard& shard = ShardOf(charge.key);
    const MutexLock lock(shard.mu);
    BudgetAmounts& had = charge.amounts;
    BudgetAmounts grown = {
        .input_tokens = std::max(had.input_tokens, amounts.input_tokens),
        .output_tokens = std::max(had.output_tokens, amounts.output_tokens),
        .cost_usd_nanos = std::max(had.cost_usd_nanos, amounts.cost_usd_nanos),
        .turns = had.turns};
    BudgetCell& cell = *charge.cell;
    cell.reserved -= had;
    cell.reserved += grown;
    had = grown;
    RecordFilled(cell, &charge);
    if (cell.shared == nullptr) continue;
    cell.shared->has_news = true;
    MarkUntold(shard, cell);
  }
}

void BudgetTable::Settle(absl::Span<BudgetCharge> charges,
                         const BudgetAmounts& amounts, int64_t now,
                         BudgetSettlement* settled) {
  const auto add = [&](BudgetCharge& charge, BudgetCell& cell) {
    charge.is_settled = true;
    if (amounts != BudgetAmounts()) {
      BudgetAccount& account = cell.account;
      const int64_t start = account.spend.StartAt(account.window, now);
      Charge(cell, start, amounts, now);
      if (cell.shared != nullptr) cell.shared->has_news = true;
      if (settled != nullptr) {
        settled->scopes.push_back({.scope = cell.scope,
                                   .start = start,
                                   .amounts = amounts,
                                   .binding = account.binding});
      }
    }
    charge.in_force = TermsInForce(cell.account, charge.terms);
    charge.left = LeftOf(cell, charge);
    TellAgain(cell, charge);
    RecordFilled(cell, &charge);
  };
  for (BudgetCharge& charge : charges) {
    if (charge.state == BudgetCharge::State::kReserved) {
      Shard& shard = ShardOf(charge.key);
      const MutexLock lock(shard.mu);
      BudgetCell& cell = *charge.cell;
      Renew(cell, now);
      Release(charge, cell);
      add(charge, cell);
      MarkUntold(shard, cell);
    } else if (charge.state == BudgetCharge::State::kAsked) {
      UseCell(charge, now, [&](BudgetCell& cell) { add(charge, cell); });
      charge.state = BudgetCharge::State::kOver;
    }
  }
}

void BudgetTable::Cancel(absl::Span<BudgetCharge> charges) {
  for (BudgetCharge& charge : charges) {
    if (charge.state != BudgetCharge::State::kReserved) continue;
    Shard& shard = ShardOf(charge.key);
    const MutexLock lock(shard.mu);
    BudgetCell& cell = *charge.cell;
    Release(charge, cell);
    TellAgain(cell, charge);
    MarkUntold(shard, cell);
  }
}

BudgetChange BudgetTable::IfTaken(const BudgetCharge& charge,
                                  const BudgetAmounts& amounts, int64_t now) {
  // The cell stays as long as something is reserved.
  const MutexLock lock(ShardOf(charge.key).mu);
  Renew(*charge.cell, now);
  return ChangeOf(*charge.cell, amounts, now);
}

std::optional<BudgetChange> BudgetTable::IfTakenUnreserved(
    BudgetCharge& charge, const BudgetAmounts& amounts, int64_t now) {
  std::optional<BudgetChange> change;
  UseCell(charge, now,
          [&](BudgetCell& cell) { change = ChangeOf(cell, amounts, now); });
  return change;
}

std::optional<int64_t> BudgetTable::RemainingOf(const BudgetCharge& charge,
                                                int64_t now) {
  Shard& shard = ShardOf(charge.key);
  const MutexLock lock(shard.mu);
  BudgetCell* const cell = FindCell(shard, charge.key);
  if (cell == nullptr) return charge.terms.limit;
  Renew(*cell, now);
  return LeftOf(*cell, charge);
}

std::optional<int64_t> BudgetTable::LeftOf(const BudgetCell& cell,
                                           const BudgetCharge& charge) {
  const std::optional<int64_t> limit =
      TermsInForce(cell.account, charge.terms).limit;
  if (!limit.has_value()) return std::nullopt;
  const LimitUnit unit = charge.rule->unit();
  int64_t taken =
      SaturatingSum(cell.account.spend.sum().In(unit), cell.reserved.In(unit));
  if (cell.shared != nullptr) {
    taken = SaturatingSum(taken, cell.shared->others.taken().In(unit));
  }
  return std::max<int64_t>(SaturatingSum(*limit, -taken), 0);
}

void BudgetTable::Load(const BudgetBook& book) {
  book.ForEach([this](const BudgetScope& scope, const BudgetAccount& account) {
    const CounterKey key = scope.KeyBy(secret_);
    Shard& shard = ShardOf(key);
    const MutexLock lock(shard.mu);
    BudgetCell& cell = *FindOrMake(
        shard, key, [&] { return scope; }, 0, /*beyond_limit=*/true);
    cell.account = account;
    cell.charged.reset();
    cell.window_end = 0;
    if (cell.shared == nullptr) return;
    cell.shared->tells_allocation = account.allocation.has_value();
    cell.shared->Distrust();
    MarkUntold(shard, cell);
  });
}

void BudgetTable::Apply(const BudgetChange& change) {
  const CounterKey key = change.scope.KeyBy(secret_);
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mu);
  BudgetCell& cell = *FindOrMake(
      shard, key, [&] { return change.scope; }, change.time,
      /*beyond_limit=*/true);
  Renew(cell, change.time);
  ApplyTo(cell, change, change.time);
  MarkUntold(shard, cell);
  cell.told_near = false;
  cell.told_exceeded = false;
}

std::vector<BudgetChange> BudgetTable::ChangesToReset(
    const BudgetStanding& standing, int64_t now) {
  constexpr int64_t kNanos = 1'000'000'000;
  std::vector<BudgetChange> changes;
  const bool is_shared = standing.own.has_value();
  const BudgetSpend& spend = is_shared ? *standing.own : standing.account.spend;
  const int64_t version =
      is_shared ? std::max(now * kNanos, standing.account.reset_version + 1)
                : 0;
  const auto add = [&](int64_t start, const BudgetAmounts& amounts) {
    if (amounts == BudgetAmounts()) return;
    changes.push_back({.scope = standing.scope,
                       .start = start,
                       .time = now,
                       .amounts = -amounts,
                       .reset_version = version});
  };
  if (standing.account.window.rolls()) {
    for (const BudgetSpend::Step& step : spend.steps()) {
      add(step.start, step.amounts);
    }
  } else {
    add(spend.start(), spend.sum());
  }
  // Others have spent it all.
  if (is_shared && changes.empty() &&
      standing.account.spend.sum() != BudgetAmounts()) {
    changes.push_back({.scope = standing.scope,
                       .start = spend.start(),
                       .time = now,
                       .reset_version = version});
  }
  return changes;
}

std::shared_ptr<BudgetCounts> BudgetTable::CountsOf(const std::string& name) {
  const MutexLock lock(counts_mu_);
  std::shared_ptr<BudgetCounts>& counts = counts_[name];
  if (counts == nullptr) counts = std::make_shared<BudgetCounts>();
  return counts;
}

}  // namespace gateway
