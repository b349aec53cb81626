// What BudgetTable has of replicas whose ledger this one can read.

#include <string>
#include <utility>
#include <vector>

#include "service/budgets/budget_table.h"

namespace gateway {

void BudgetTable::SetReplica(const std::string& replica) {
  const MutexLock lock(recorded_mu_);
  replica_ = replica;
}

bool BudgetTable::IsThis(const std::string& replica) const {
  const MutexLock lock(recorded_mu_);
  return replica == replica_;
}

bool BudgetTable::LearnRecorded(const std::string& replica,
                                const BudgetBook& book, bool is_closed,
                                int64_t now,
                                std::vector<BudgetChange>* resets) {
  {
    const MutexLock lock(recorded_mu_);
    if (replica == replica_) return false;
    if (is_closed) {
      closed_.insert(replica);
    } else {
      closed_.erase(replica);
    }
  }
  book.ForEach([&](const BudgetScope& scope, const BudgetAccount& account) {
    BudgetSpend spend = account.spend;
    spend.ForgetBefore(account.window, now);
    const bool is_nothing =
        spend.sum() == BudgetAmounts() && !account.allocation.has_value() &&
        !account.binding.has_value() && account.reset_version == 0;
    if (!is_nothing) LearnRecordedOf(replica, scope, account, now, resets);
  });
  SumUpAgain({replica}, now);
  return true;
}

void BudgetTable::LearnRecordedOf(const std::string& replica,
                                  const BudgetScope& scope,
                                  const BudgetAccount& account, int64_t now,
                                  std::vector<BudgetChange>* resets) {
  const CounterKey key = scope.KeyBy(secret_);
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mu);
  // As what this one's own ledger says, whatever room there is.
  BudgetCell& cell = *FindOrMake(
      shard, key, [&] { return scope; }, now, /*beyond_limit=*/true);
  // It may have taken that name meanwhile.
  if (cell.shared == nullptr || IsThis(replica)) return;
  Renew(cell, now);
  if (account.allocation.has_value() || account.binding.has_value()) {
    ApplyTo(cell,
            {.scope = scope,
             .allocation = account.allocation,
             .binding = account.binding},
            now);
    MarkUntold(shard, cell);
  }
  if (account.reset_version > cell.account.reset_version) {
    GiveBack(shard, cell, account.reset_version, now, resets);
  }
  cell.shared->FindOrMake(replica).recorded =
      ReplicaSpend::Sums{account.spend, account.reset_version};
}

void BudgetTable::SetNoneClosed(int64_t now) {
  absl::flat_hash_set<std::string> closed;
  {
    const MutexLock lock(recorded_mu_);
    closed.swap(closed_);
  }
  SumUpAgain({closed.begin(), closed.end()}, now);
}

void BudgetTable::SumUpAgain(const std::vector<std::string>& replicas,
                             int64_t now) {
  if (replicas.empty()) return;
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mu);
    for (const auto& [key, cell] : shard.cells) {
      if (cell->shared == nullptr) continue;
      bool is_known = false;
      for (const std::string& replica : replicas) {
        is_known = is_known || cell->shared->Find(replica) != nullptr;
      }
      if (!is_known) continue;
      Renew(*cell, now);
      SumUpOthers(*cell, now);
    }
  }
}

void BudgetTable::GoOnAs(const std::string& replica, const BudgetBook& left,
                         int64_t now) {
  std::string before;
  {
    const MutexLock lock(recorded_mu_);
    before = std::exchange(replica_, replica);
  }
  left.ForEach([&](const BudgetScope& scope, const BudgetAccount& account) {
    const CounterKey key = scope.KeyBy(secret_);
    Shard& shard = ShardOf(key);
    const MutexLock lock(shard.mu);
    BudgetCell* const cell = FindCell(shard, key);
    if (cell == nullptr || cell->shared == nullptr) return;
    Renew(*cell, now);
    BudgetSpend spend = account.spend;
    spend.Rebase(account.window, now);
    spend.ForgetBefore(account.window, now);
    TakeAway(account.window, spend, &cell->account.spend);
    KeepShown(*cell);
    cell->shared->FindOrMake(before).recorded =
        ReplicaSpend::Sums{std::move(spend), account.reset_version};
  });
  for (Shard& shard : shards_) {
    const MutexLock lock(shard.mu);
    for (const auto& [key, cell] : shard.cells) {
      if (cell->shared == nullptr) continue;
      Renew(*cell, now);
      BudgetAccount& account = cell->account;
      const ReplicaSpend* const taken_over = cell->shared->Find(replica);
      if (taken_over != nullptr) {
        account.spend = MergedSpend(account.window, account.spend,
                                    CountingOf(*cell, *taken_over, now));
        KeepShown(*cell);
        cell->shared->Forget(replica);
      }
      SumUpOthers(*cell, now);
    }
  }
  // What was promised was promised to the one before.
  TellAll();
}

}  // namespace gateway
