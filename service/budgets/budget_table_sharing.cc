// What BudgetTable has of replicas that share budgets.

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "service/budgets/budget_table.h"

namespace gateway {
namespace {

// A window that begins so much later than now is of a clock that is wrong.
constexpr int64_t kClockSlackSeconds = 60;

}  // namespace

bool BudgetTable::NeedsToAsk(absl::Span<const BudgetCharge> charges) {
  bool is_short = false;
  for (const BudgetCharge& charge : charges) {
    if (!charge.refuses()) continue;
    if (!charge.is_short) return false;
    is_short = true;
  }
  return is_short;
}

void BudgetTable::PrepareAgain(absl::Span<BudgetCharge> charges) {
  for (BudgetCharge& charge : charges) {
    charge.state = BudgetCharge::State::kAsked;
    charge.obstacle = BudgetObstacle::kNone;
    charge.is_short = charge.near = false;
    charge.turns_left.reset();
    charge.room = 0;
    charge.first_near = charge.first_exceeded = charge.binds = false;
    charge.remaining = charge.reset_time = charge.expire_time = 0;
  }
}

void BudgetTable::CheckClaim(BudgetCell& cell, BudgetCharge* charge) const {
  const BudgetRule& rule = *charge->rule;
  const BudgetTerms& terms = charge->in_force;
  const bool is_limited =
      terms.limit.has_value() || terms.turn_limit.has_value();
  if (charge->obstacle != BudgetObstacle::kNone || !is_limited ||
      rule.mode() != BudgetMode::kEnforce) {
    return;
  }
  BudgetAmounts own = cell.account.spend.sum();
  own += cell.reserved;
  SharedScope::Shortage shortage;
  if (cell.shared->MayTake(own, charge->amounts, rule.unit(), terms, sharing(),
                           &shortage)) {
    return;
  }
  charge->is_short = true;
  charge->room = shortage.room;
  charge->obstacle = BudgetObstacle::kSpent;
  if (!shortage.of_turns) return;
  charge->obstacle = BudgetObstacle::kTurns;
  const BudgetAmounts taken = cell.shared->others.taken();
  charge->remaining =
      std::max<int64_t>(*terms.turn_limit - own.turns - taken.turns, 0);
}

BudgetStanding BudgetTable::StandingOf(const BudgetCell& cell) {
  BudgetStanding standing = {
      .scope = *cell.scope, .account = cell.account, .reserved = cell.reserved};
  BudgetAccount& account = standing.account;
  if (cell.window_end != BudgetWindow::kNever && !account.window.rolls() &&
      account.spend.sum() == BudgetAmounts()) {
    // Nothing was charged to the window yet, which has begun all the same.
    const int64_t start = account.window.SpanAt(cell.window_end - 1).start;
    account.spend = BudgetSpend::From(start, account.spend.last_time(), {}, {});
  }
  if (cell.shared == nullptr) return standing;
  const SharedScope::Others& others = cell.shared->others;
  standing.own = std::exchange(
      standing.account.spend,
      MergedSpend(cell.account.window, cell.account.spend, others.spend));
  standing.reserved += others.reserved;
  return standing;
}

// --- Telling.

void BudgetTable::SetShared(bool shared) {
  if (shared_.exchange(shared) == shared) return;
  owed_.store(0);
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mu);
    for (const auto& [key, cell] : shard.cells) {
      if (cell->shared != nullptr && cell->shared->is_owed) owed_.fetch_sub(1);
      cell->shared = shared ? std::make_unique<SharedScope>() : nullptr;
    }
  }
  if (shared) TellAll();
}

void BudgetTable::SetSharing(const BudgetSharing& sharing) {
  joined_.store(sharing.joined, std::memory_order_relaxed);
  away_.store(sharing.away, std::memory_order_relaxed);
  settled_.store(sharing.settled, std::memory_order_relaxed);
  replicas_.store(std::max<int64_t>(sharing.replicas, 1),
                  std::memory_order_relaxed);
}

BudgetSharing BudgetTable::sharing() const {
  return {.joined = joined_.load(std::memory_order_relaxed),
          .away = away_.load(std::memory_order_relaxed),
          .settled = settled_.load(std::memory_order_relaxed),
          .replicas = replicas_.load(std::memory_order_relaxed)};
}

void BudgetTable::Owe(BudgetCell& cell) {
  if (std::exchange(cell.shared->is_owed, true)) return;
  owed_.fetch_add(1, std::memory_order_relaxed);
}

void BudgetTable::AddUntold(Shard& shard, BudgetCell& cell) {
  if (away_.load(std::memory_order_relaxed)) Owe(cell);
  if (std::exchange(cell.shared->is_untold, true)) return;
  shard.untold.push_back(cell.key);
  untold_.fetch_add(1, std::memory_order_relaxed);
}

void BudgetTable::TellAll() {
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mu);
    for (const auto& [key, cell] : shard.cells) {
      if (cell->shared == nullptr) continue;
      cell->shared->Distrust();
      cell->shared->tells_allocation = cell->account.allocation.has_value();
      Owe(*cell);
      AddUntold(shard, *cell);
    }
  }
}

BudgetTelling BudgetTable::TellingOf(const BudgetCell& cell, int64_t now) {
  const BudgetAccount& account = cell.account;
  const BudgetWindow& window = account.window;
  const bool is_calendar =
      !window.rolls() && window.kind() != BudgetWindow::Kind::kNone;
  return {.scope = *cell.scope,
          .start = is_calendar ? account.spend.StartAt(window, now) : 0,
          .spend = account.spend,
          .reserved = cell.reserved,
          .reset_version = account.reset_version,
          .binding = account.binding};
}

std::vector<BudgetTelling> BudgetTable::BeginTelling(
    size_t scopes_max, int64_t now, std::vector<CounterKey>* keys) {
  std::vector<BudgetTelling> tellings;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mu);
    while (keys->size() < scopes_max && !shard.untold.empty()) {
      const CounterKey key = shard.untold.back();
      shard.untold.pop_back();
      untold_.fetch_sub(1, std::memory_order_relaxed);
      BudgetCell* const cell = FindCell(shard, key);
      if (cell == nullptr || cell->shared == nullptr) continue;
      Renew(*cell, now);
      SharedScope& shared = *cell->shared;
      shared.is_untold = shared.has_news = false;
      if (std::exchange(shared.is_owed, false)) {
        owed_.fetch_sub(1, std::memory_order_relaxed);
      }
      keys->push_back(key);
      BudgetTelling telling = TellingOf(*cell, now);
      BudgetAmounts own = cell->account.spend.sum();
      telling.granted = shared.Promise(own += cell->reserved, sharing());
      telling.unit = shared.unit();
      // What an operator says from here on is for the next one.
      shared.is_telling_allocation =
          std::exchange(shared.tells_allocation, false);
      if (shared.is_telling_allocation &&
          cell->account.allocation.has_value()) {
        tellings.push_back(
            {.scope = *cell->scope, .allocation = cell->account.allocation});
      }
      tellings.push_back(std::move(telling));
    }
  }
  return tellings;
}

void BudgetTable::EndTelling(const std::vector<CounterKey>& keys, bool told) {
  for (const CounterKey& key : keys) {
    Shard& shard = ShardOf(key);
    const MutexLock lock(shard.mu);
    BudgetCell* const cell = FindCell(shard, key);
    if (cell == nullptr || cell->shared == nullptr) continue;
    SharedScope& shared = *cell->shared;
    const bool was_telling = std::exchange(shared.is_telling_allocation, false);
    if (told) {
      shared.Confirm();
      // What is not used until then is given back.
      shared.has_news = shared.has_news || shared.has_promise();
    } else {
      shared.tells_allocation = shared.tells_allocation || was_telling;
      shared.has_news = true;
      Owe(*cell);
    }
    MarkUntold(shard, *cell);
  }
}

// --- Hearing.

void BudgetTable::ApplyTo(BudgetCell& cell, const BudgetChange& change,
                          int64_t now) const {
  BudgetAccount& account = cell.account;
  SharedScope* const shared = cell.shared.get();
  if (shared != nullptr) {
    if (change.reset_version > account.reset_version) {
      shared->BeginAnew();
      // What others have spent until now is given back, too.
      shared->others.spend = {};
    }
    shared->has_news = true;
    shared->tells_allocation =
        shared->tells_allocation || change.allocation.has_value();
  }
  const bool is_shown =
      cell.charged != nullptr && change.amounts != BudgetAmounts();
  if (is_shown) TakeCharged(cell);
  account.Apply(change);
  if (is_shown) Show(cell, now);
}

void BudgetTable::LearnAllocation(const BudgetNews& news, int64_t now) {
  const CounterKey key = news.scope.KeyBy(secret_);
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mu);
  BudgetCell& cell = *FindOrMake(
      shard, key, [&] { return news.scope; }, now, /*beyond_limit=*/true);
  const std::optional<BudgetAllocation> before = cell.account.allocation;
  cell.account.Apply({.scope = news.scope, .allocation = news.allocation});
  if (cell.account.allocation == before) return;
  cell.told_near = cell.told_exceeded = false;
}

bool BudgetTable::MoveTo(BudgetCell& cell, int64_t start, int64_t now) {
  BudgetAccount& account = cell.account;
  const BudgetWindow& window = account.window;
  if (window.rolls() || window.kind() == BudgetWindow::Kind::kNone) {
    return true;
  }
  const int64_t present = account.spend.StartAt(window, now);
  if (start <= present) return start == present;
  if (start > now + kClockSlackSeconds) return false;
  // The other's clock is ahead: this one's is not put back any more.
  if (cell.charged == nullptr) {
    cell.charged = std::make_unique<BudgetCell::Charged>(
        BudgetCell::Charged{.spend = account.spend});
  }
  account.spend.ForgetBefore(window, start);
  cell.window_end = window.SpanAt(start).end;
  if (cell.shared != nullptr) {
    cell.shared->BeginAnew();
    cell.shared->others = {};
  }
  return true;
}

void BudgetTable::LearnLines(
    BudgetCell& cell, const BudgetNews& news, std::string_view replica,
    absl::FunctionRef<bool(const std::string& replica)> is_live,
    int64_t now) const {
  SharedScope& shared = *cell.shared;
  SharedScope::Others others;
  for (ReplicaSpend& each : shared.replicas) each.lives = false;
  for (const BudgetNews::Line& line : news.lines) {
    if (line.replica == replica) continue;
    const BudgetTelling& told = line.telling;
    ReplicaSpend& of = shared.FindOrMake(line.replica);
    of.told = ReplicaSpend::Sums{told.spend, told.reset_version};
    of.lives = is_live(line.replica);
    of.promise = {.start = news.start,
                  .reserved = told.reserved,
                  .unit = told.unit,
                  .granted = told.granted};
  }
  for (ReplicaSpend& each : shared.replicas) {
    const bool counts = each.promise.has_value() &&
                        each.promise->start == news.start &&
                        is_live(each.replica);
    if (!counts) {
      each.promise.reset();
      continue;
    }
    const ReplicaSpend::Promise& promise = *each.promise;
    others.reserved += promise.reserved;
    if (promise.unit == shared.unit()) {
      others.granted.units =
          SaturatingSum(others.granted.units, promise.granted.units);
    }
    others.granted.turns =
        SaturatingSum(others.granted.turns, promise.granted.turns);
  }
  shared.others = std::move(others);
  // What one had told that is not there any more is lost in Redis, and counts
  // until it is told again or its window is over.
  std::erase_if(shared.replicas, [&](const ReplicaSpend& each) {
    return !each.lives && !each.recorded.has_value() &&
           !each.promise.has_value() &&
           CountingOf(cell, each, now).sum() == BudgetAmounts();
  });
  SumUpOthers(cell, now);
}

BudgetSpend BudgetTable::CountingOf(const BudgetCell& cell,
                                    const ReplicaSpend& other,
                                    int64_t now) const {
  bool is_closed = false;
  {
    const MutexLock lock(recorded_mu_);
    is_closed = closed_.contains(other.replica);
  }
  return other.Counting(cell.account.window, cell.account.reset_version,
                        is_closed, now);
}

void BudgetTable::SumUpOthers(BudgetCell& cell, int64_t now) const {
  const BudgetAccount& account = cell.account;
  const BudgetWindow& window = account.window;
  const bool is_calendar =
      !window.rolls() && window.kind() != BudgetWindow::Kind::kNone;
  // The window may be that of a clock that is ahead.
  const int64_t at = is_calendar ? std::max(now, account.spend.start()) : now;
  BudgetSpend sum;
  for (const ReplicaSpend& each : cell.shared->replicas) {
    sum = MergedSpend(window, sum, CountingOf(cell, each, at));
  }
  sum.ForgetBefore(window, at);
  cell.shared->others.spend = std::move(sum);
}

void BudgetTable::GiveBack(Shard& shard, BudgetCell& cell, int64_t version,
                           int64_t now, std::vector<BudgetChange>* resets) {
  BudgetStanding own = {.scope = *cell.scope, .account = cell.account};
  std::vector<BudgetChange> changes = ChangesToReset(own, now);
  if (changes.empty()) {
    changes.push_back({.scope = *cell.scope, .time = now});
  }
  for (BudgetChange& change : changes) {
    change.reset_version = version;
    ApplyTo(cell, change, now);
  }
  std::move(changes.begin(), changes.end(), std::back_inserter(*resets));
  MarkUntold(shard, cell);
  cell.told_near = cell.told_exceeded = false;
}

bool BudgetTable::Learn(
    const BudgetNews& news, std::string_view replica, bool adopts,
    absl::FunctionRef<bool(const std::string& replica)> is_live, int64_t now,
    std::vector<BudgetChange>* resets) {
  if (news.allocation.has_value()) {
    LearnAllocation(news, now);
    return true;
  }
  if (size() >= scopes_limit_.load()) MakePlace(news.scope, now);
  const CounterKey key = news.scope.KeyBy(secret_);
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mu);
  BudgetCell* const cell = FindOrMake(
      shard, key, [&] { return news.scope; }, now, /*beyond_limit=*/false);
  if (cell == nullptr) return false;
  if (cell->shared == nullptr) return true;
  Renew(*cell, now);
  if (!MoveTo(*cell, news.start, now)) return true;
  BudgetAccount& account = cell->account;
  Bind(news.binding, &account.binding);
  if (account.binding != news.binding) {
    // The one who told last did not know it.
    cell->shared->has_news = true;
    MarkUntold(shard, *cell);
  }
  int64_t version = account.reset_version;
  for (const BudgetNews::Line& line : news.lines) {
    version = std::max(version, line.telling.reset_version);
  }
  for (const BudgetNews::Line& line : news.lines) {
    if (!adopts || line.replica != replica ||
        line.telling.reset_version != account.reset_version) {
      continue;
    }
    // What this process has told before it was restarted, if the ledger has
    // lost some of it.
    account.spend =
        GreaterSpend(account.window, account.spend, line.telling.spend);
    KeepShown(*cell);
    account.spend.ForgetBefore(account.window, now);
  }
  if (version > account.reset_version) {
    GiveBack(shard, *cell, version, now, resets);
  }
  LearnLines(*cell, news, replica, is_live, now);
  return true;
}

}  // namespace gateway
