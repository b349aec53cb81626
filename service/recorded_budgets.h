// RecordedBudgets has replicas that share budgets know what the ledger says of
// those that do not tell it: it reads the chains of a database that nobody
// appends to, and all of the others once at the start.
//
//   RecordedBudgets recorded(ledger, retention, own_chain, clock);
//   GATEWAY_RETURN_IF_ERROR(recorded.Begin(table));  // Before calls begin.
//   recorded.Follow(ledger.Chains());                // From time to time.
//
// What a replica has told last it need not have told all of: one that was
// killed has written debits that nobody was told of, and another closes for it
// what it has left open. And a Redis that was emptied knows nothing of those
// that do not run. The ledger does: so what was spent is not forgotten while it
// is there (service/budgets/replica_spend.h, docs/adr/0032).
//
// A chain is read from its last checkpoint on, when it has changed and nobody
// has it.
//
// Thread contract: Begin on one thread, before Follow; Follow on another;
// TakeResets on any.

#ifndef SERVICE_RECORDED_BUDGETS_H_
#define SERVICE_RECORDED_BUDGETS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/mutex.h"
#include "service/budgets/budget_book.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_table.h"
#include "service/ledger/postgres_ledger.h"

namespace gateway {

// What a replica is called whose chain has this number.
std::string ReplicaNameOfChain(int64_t chain);

// What a chain says of budgets. Blocks.
absl::StatusOr<BudgetBook> ReadRecordedBudgets(const PostgresLedger& ledger,
                                               int64_t chain,
                                               absl::Duration retention);

class RecordedBudgets {
 public:
  // Borrows `ledger` and `clock`. `own_chain` is the one that this process
  // appends to, at each time.
  RecordedBudgets(const PostgresLedger& ledger, absl::Duration retention,
                  std::function<int64_t()> own_chain, Clock& clock);

  // Has the table know what all other chains say. Borrows it. Blocks.
  absl::Status Begin(BudgetTable& table) LOCKS_EXCLUDED(mu_);

  // Has it know what those say by now that nobody appends to; nothing before
  // Begin. Blocks. What fails is tried again the next time, and the log is told
  // once.
  void Follow(const absl::StatusOr<std::vector<PostgresChain>>& chains)
      LOCKS_EXCLUDED(mu_);

  // What was given back here since it was asked last, as another replica's
  // ledger says.
  std::vector<BudgetChange> TakeResets() LOCKS_EXCLUDED(mu_);

 private:
  // How a chain was when it was read.
  struct Seen {
    int64_t commits = 0;
    bool is_released = false;

    bool operator==(const Seen&) const = default;
  };

  absl::Status Read(const std::vector<PostgresChain>& chains,
                    BudgetTable& table) LOCKS_EXCLUDED(mu_);
  // False if the table still counts it as this process's own.
  absl::StatusOr<bool> ReadOne(const PostgresChain& chain, BudgetTable& table)
      LOCKS_EXCLUDED(mu_);
  int64_t now() const { return absl::ToUnixSeconds(clock_.WallTime()); }

  const PostgresLedger& ledger_;
  const absl::Duration retention_;
  const std::function<int64_t()> own_chain_;
  Clock& clock_;

  // Of who reads.
  std::map<int64_t, Seen> seen_;
  absl::Status told_;

  Mutex mu_;
  BudgetTable* table_ GUARDED_BY(mu_) = nullptr;
  std::vector<BudgetChange> resets_ GUARDED_BY(mu_);
};

}  // namespace gateway

#endif  // SERVICE_RECORDED_BUDGETS_H_
