#include "service/recorded_budgets.h"

#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/logging.h"
#include "base/status_macros.h"
#include "service/budgets/budget_ledger_state.h"
#include "service/ledger/followed_state.h"
#include "service/ledger/ledger_commit.h"

namespace gateway {

std::string ReplicaNameOfChain(int64_t chain) {
  return absl::StrCat(absl::Hex(chain, absl::kZeroPad16));
}

absl::StatusOr<BudgetBook> ReadRecordedBudgets(const PostgresLedger& ledger,
                                               int64_t chain,
                                               absl::Duration retention) {
  BudgetLedgerState state(retention);
  FollowedState followed(&state);
  GATEWAY_ASSIGN_OR_RETURN(const LedgerCheckpoint from,
                           ledger.LoadCheckpoint(chain));
  GATEWAY_RETURN_IF_ERROR(followed.Restore(from));
  GATEWAY_RETURN_IF_ERROR(ledger.ReadCommits(
      chain, from.end.commits + 1, [&](const LedgerCommit& commit) {
        return followed.Follow(commit.texts, commit.notes);
      }));
  return state.book();
}

RecordedBudgets::RecordedBudgets(const PostgresLedger& ledger,
                                 absl::Duration retention,
                                 std::function<int64_t()> own_chain,
                                 Clock& clock)
    : ledger_(ledger),
      retention_(retention),
      own_chain_(std::move(own_chain)),
      clock_(clock) {}

absl::Status RecordedBudgets::Begin(BudgetTable& table) {
  GATEWAY_ASSIGN_OR_RETURN(const std::vector<PostgresChain> chains,
                           ledger_.Chains());
  GATEWAY_RETURN_IF_ERROR(Read(chains, table));
  const MutexLock lock(mu_);
  table_ = &table;
  return absl::OkStatus();
}

void RecordedBudgets::Follow(
    const absl::StatusOr<std::vector<PostgresChain>>& chains) {
  BudgetTable* table = nullptr;
  {
    const MutexLock lock(mu_);
    table = table_;
  }
  if (table == nullptr) return;
  if (!table->is_shared()) {
    // It forgets what others have spent.
    seen_.clear();
    return;
  }
  const absl::Status read =
      chains.ok() ? Read(*chains, *table) : chains.status();
  // Somebody may append to what was closed when it was seen last.
  if (!chains.ok()) {
    table->SetNoneClosed(now());
    for (auto& [chain, seen] : seen_) seen.is_released = false;
  }
  if (read.ok() == told_.ok()) return;
  told_ = read;
  if (read.ok()) {
    Log(LogLevel::kInfo, "budgets",
        "what the ledger says of replicas that have gone is known again");
  } else {
    Log(LogLevel::kWarn, "budgets",
        "what the ledger says of budgets of replicas that have gone cannot be "
        "read: what they have told counts",
        {{"why", read}});
  }
}

absl::Status RecordedBudgets::Read(const std::vector<PostgresChain>& chains,
                                   BudgetTable& table) {
  absl::Status all;
  for (const PostgresChain& chain : chains) {
    if (chain.number == own_chain_()) {
      // Whatever comes of it is read again once it is another's.
      seen_.erase(chain.number);
      continue;
    }
    const Seen is = {.commits = chain.end.commits,
                     .is_released = chain.is_released && !chain.is_held};
    const auto found = seen_.find(chain.number);
    // Who appends to it tells it himself; that he has it is news.
    const bool is_known =
        found != seen_.end() &&
        (chain.is_held ? !found->second.is_released : found->second == is);
    if (is_known) continue;
    const absl::StatusOr<bool> read = ReadOne(chain, table);
    all.Update(read.status());
    if (read.ok() && *read) seen_[chain.number] = is;
  }
  return all;
}

absl::StatusOr<bool> RecordedBudgets::ReadOne(const PostgresChain& chain,
                                              BudgetTable& table) {
  GATEWAY_ASSIGN_OR_RETURN(
      BudgetBook book, ReadRecordedBudgets(ledger_, chain.number, retention_));
  book.ForgetBefore(clock_.WallTime(), retention_);
  std::vector<BudgetChange> resets;
  const bool is_others =
      table.LearnRecorded(ReplicaNameOfChain(chain.number), book,
                          chain.is_released && !chain.is_held, now(), &resets);
  const MutexLock lock(mu_);
  std::move(resets.begin(), resets.end(), std::back_inserter(resets_));
  return is_others;
}

std::vector<BudgetChange> RecordedBudgets::TakeResets() {
  const MutexLock lock(mu_);
  return std::exchange(resets_, {});
}

}  // namespace gateway
