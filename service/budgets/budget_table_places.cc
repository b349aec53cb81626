// Where BudgetTable has its cells, and who shares one.

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "service/budgets/budget_table.h"

namespace gateway {
namespace {

// So many cells are looked at for one that may go.
constexpr int kLookedAtMax = 8;

// The last of so many parts of all places is for those who have begun less than
// one of these parts.
constexpr size_t kParts = 8;

}  // namespace

BudgetCell* BudgetTable::FindCell(Shard& shard, const CounterKey& key) {
  const auto found = shard.cells.find(key);
  return found == shard.cells.end() ? nullptr : found->second.get();
}

BudgetCell* BudgetTable::FindOrMake(Shard& shard, const CounterKey& key,
                                    absl::FunctionRef<BudgetScope()> scope,
                                    int64_t now, bool beyond_limit,
                                    std::string_view asker, bool has_room) {
  if (BudgetCell* const known = FindAsked(shard, key); known != nullptr) {
    return known;
  }
  const uint64_t of = asker.empty() ? 0 : KeyOfText(asker, secret_).low;
  if (!beyond_limit && !has_room && IsFull(of) &&
      !MakeRoom(shard, now, kLookedAtMax)) {
    return nullptr;
  }
  auto cell = std::make_unique<BudgetCell>();
  cell->key = key;
  cell->scope = std::make_shared<const BudgetScope>(scope());
  if (!beyond_limit && of != 0) {
    cell->asker = of;
    const MutexLock lock(begun_mu_);
    ++begun_[of];
  }
  cell->account.window =
      BudgetWindow::Named(cell->scope->window).value_or(BudgetWindow());
  if (is_shared()) cell->shared = std::make_unique<SharedScope>();
  shard.order.push_front(cell.get());
  cell->place = shard.order.begin();
  size_.fetch_add(1, std::memory_order_relaxed);
  return shard.cells.emplace(key, std::move(cell)).first->second.get();
}

bool BudgetTable::HasMany(uint64_t asker) const {
  const MutexLock lock(begun_mu_);
  const auto begun = begun_.find(asker);
  return begun != begun_.end() &&
         begun->second * kParts >= scopes_limit_.load();
}

bool BudgetTable::IsFull(uint64_t asker) const {
  const size_t all = scopes_limit_.load(std::memory_order_relaxed);
  const size_t taken = size();
  return taken >= all || (taken + all / kParts >= all && HasMany(asker));
}

bool BudgetTable::MakeRoom(Shard& shard, int64_t now, int looks) {
  for (int i = 0; i < looks && !shard.order.empty(); ++i) {
    BudgetCell* const last = shard.order.back();
    Renew(*last, now);
    if (MayGo(*last, now)) {
      Drop(shard, *last);
      return true;
    }
    // Its turn comes again when all others have been looked at.
    shard.order.splice(shard.order.begin(), shard.order, last->place);
  }
  return false;
}

void BudgetTable::Drop(Shard& shard, BudgetCell& cell) {
  {
    const MutexLock lock(begun_mu_);
    const auto begun = begun_.find(cell.asker);
    if (begun != begun_.end() && --begun->second == 0) begun_.erase(begun);
  }
  shard.order.erase(cell.place);
  shard.cells.erase(CounterKey(cell.key));
  size_.fetch_sub(1, std::memory_order_relaxed);
}

void BudgetTable::ForgetBegun(absl::Span<const BudgetCharge> charges) {
  for (const BudgetCharge& charge : charges) {
    if (!charge.begins) continue;
    Shard& shard = ShardOf(charge.key);
    const MutexLock lock(shard.mu);
    BudgetCell* const cell = FindCell(shard, charge.key);
    // Others may have begun it meanwhile.
    if (cell != nullptr && !cell->account.binding.has_value() &&
        MayGo(*cell, cell->shown_time)) {
      Drop(shard, *cell);
    }
  }
}

bool BudgetTable::MakeRoomAnywhere(int64_t now) {
  // Once a second is enough to see that there is none.
  if (no_room_time_.load(std::memory_order_relaxed) == now) return false;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mu);
    // Those that were not asked for since their window was over stand last.
    if (MakeRoom(shard, now, /*looks=*/1)) return true;
  }
  no_room_time_.store(now, std::memory_order_relaxed);
  return false;
}

bool BudgetTable::MakePlace(const BudgetScope& scope, int64_t now) {
  const CounterKey key = scope.KeyBy(secret_);
  Shard& shard = ShardOf(key);
  const auto make = [&](bool has_room) {
    const MutexLock lock(shard.mu);
    return FindOrMake(
               shard, key, [&] { return scope; }, now,
               /*beyond_limit=*/false, /*asker=*/{}, has_room) != nullptr;
  };
  return make(/*has_room=*/false) ||
         (MakeRoomAnywhere(now) && make(/*has_room=*/true));
}

bool BudgetTable::MayGo(const BudgetCell& cell, int64_t now) const {
  if (cell.reservations > 0 || cell.account.is_allocated()) return false;
  BudgetAccount account = cell.account;
  if (cell.shared != nullptr) {
    if (cell.shared->is_untold) return false;
    account.spend =
        MergedSpend(account.window, account.spend, cell.shared->others.spend);
  }
  account.spend.ForgetBefore(account.window, now);
  if (account.spend.sum() == BudgetAmounts()) return true;
  return account.window.kind() == BudgetWindow::Kind::kNone &&
         account.spend.last_time() + retention_seconds_.load() <= now;
}

std::optional<BudgetStanding> BudgetTable::Find(const BudgetScope& scope,
                                                int64_t now) {
  const CounterKey key = scope.KeyBy(secret_);
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mu);
  BudgetCell* const cell = FindCell(shard, key);
  if (cell == nullptr) return std::nullopt;
  Renew(*cell, now);
  return StandingOf(*cell);
}

void BudgetTable::ForEach(
    int64_t now, absl::FunctionRef<void(const BudgetStanding&)> visit) {
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mu);
    for (const auto& [key, cell] : shard.cells) {
      Renew(*cell, now);
      visit(StandingOf(*cell));
    }
  }
}

void BudgetTable::UseCell(BudgetCharge& charge, int64_t now,
                          absl::FunctionRef<void(BudgetCell& cell)> use) {
  const BudgetRule& rule = *charge.rule;
  for (const bool again : {false, true}) {
    if (again && !MakeRoomAnywhere(now)) break;
    Shard& shard = ShardOf(charge.key);
    const MutexLock lock(shard.mu);
    BudgetCell* cell = nullptr;
    if (charge.has_terms() || rule.binds_caller()) {
      // Nearly always there is one.
      cell = FindAsked(shard, charge.key);
      if (cell == nullptr) {
        cell = FindOrMake(
            shard, charge.key, [&] { return rule.ScopeOf(*charge.subject); },
            now, /*beyond_limit=*/rule.per().empty(), charge.asker,
            /*has_room=*/again);
      }
    } else {
      cell = FindCell(shard, charge.key);
      if (cell == nullptr || !cell->account.is_allocated()) {
        charge.state = BudgetCharge::State::kSkipped;
        return;
      }
    }
    if (cell != nullptr) {
      charge.begins = cell->shown_time == 0;
      Renew(*cell, now);
      use(*cell);
      return MarkUntold(shard, *cell);
    }
  }
  // Whose the shared place is: of one who has begun many his own.
  std::string_view others_of;
  if (!charge.asker.empty() && HasMany(KeyOfText(charge.asker, secret_).low)) {
    others_of = charge.asker;
  }
  overflows_.fetch_add(1, std::memory_order_relaxed);
  charge.key = rule.OthersKey(others_of);
  Shard& shard = ShardOf(charge.key);
  const MutexLock lock(shard.mu);
  BudgetCell& others = *FindOrMake(
      shard, charge.key, [&] { return rule.OthersScope(others_of); }, now,
      /*beyond_limit=*/true);
  Renew(others, now);
  use(others);
  MarkUntold(shard, others);
}

}  // namespace gateway
