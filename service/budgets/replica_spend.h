// ReplicaSpend is what is known of what another replica has spent of a scope:
// what it has told, and what the ledger says of it, where that is in a database
// that all replicas read (service/recorded_budgets.h).
//
//   ReplicaSpend of = {.replica = "2"};
//   of.told = {.spend = line.spend, .reset_version = line.reset_version};
//   sum = MergedSpend(window, sum, of.Counting(window, version, false, now));
//
// Both are of the same debits, of which each may lack the last ones: what was
// told has those that are not written yet, and the ledger those that nobody was
// told of, by one who was killed, and those that another one has written for
// him. So the greater of both counts. Once nobody appends to its chain any more
// that says all there was, and what was told beyond it was never written, or is
// in another chain: then it counts alone.
//
// Thread-compatible.

#ifndef SERVICE_BUDGETS_REPLICA_SPEND_H_
#define SERVICE_BUDGETS_REPLICA_SPEND_H_

#include <cstdint>
#include <optional>
#include <string>

#include "llmgateway/config/v1/rate_limits.pb.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_spend.h"
#include "service/budgets/budget_window.h"

namespace gateway {

struct ReplicaSpend {
  struct Sums {
    BudgetSpend spend;
    // Of the last reset that the sums know.
    int64_t reset_version = 0;
  };

  std::string replica;
  std::optional<Sums> told;
  std::optional<Sums> recorded;
  bool lives = false;  // It has told something lately.

  // What it has told last that it had reserved, and was about to take.
  struct Promise {
    int64_t start = 0;  // Of the calendar's window.
    BudgetAmounts reserved;
    ::llmgateway::config::v1::LimitUnit unit =
        ::llmgateway::config::v1::LIMIT_UNIT_UNSPECIFIED;
    BudgetClaim granted;
  };
  std::optional<Promise> promise;

  // What counts in the window of now, since that reset. `is_closed` says that
  // nobody appends to the replica's chain.
  BudgetSpend Counting(const BudgetWindow& window, int64_t reset_version,
                       bool is_closed, int64_t now) const;
};

// The greater of both, in each step; of windows the later one.
BudgetSpend GreaterSpend(const BudgetWindow& window, const BudgetSpend& one,
                         const BudgetSpend& other);

// Takes away what `less` has, as far as it is there.
void TakeAway(const BudgetWindow& window, const BudgetSpend& less,
              BudgetSpend* spend);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_REPLICA_SPEND_H_
