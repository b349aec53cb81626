// SharedBudgets is what the process has of budgets that replicas share: its
// name among them, who tells the others, and what the ledger is told of theirs.
//
//   SharedBudgets budgets(SystemClock());
//   ... Ports{.budget_sharer = budgets.sharer()} ...
//   GATEWAY_RETURN_IF_ERROR(
//       budgets.Open(runtime, {.path = "ledger.db"}, registry));
//   budgets.Follow(loop);
//   ...
//   budgets.Stop();  // While the loop runs.
//
// A process that has a ledger reads from it, after a restart, what it had told
// before: so it has the same name then, which is kept in a file beside the
// ledger, or is that of its chain in a database. One without begins with
// nothing, under a new name.
//
// Outlives the loops, and the runtime snapshots that have its sharer.
//
// Thread contract: one thread, which is none of the loops'; what is returned is
// as its class says.

#ifndef SERVICE_SHARED_BUDGETS_H_
#define SERVICE_SHARED_BUDGETS_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/event_loop.h"
#include "base/os/clock.h"
#include "service/budgets/budget_sharer.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// What the file beside the ledger says, which is made if there is none. Blocks.
// Errors name `ledger.path`.
absl::StatusOr<std::string> ReplicaNameBeside(const std::string& ledger_path);

class SharedBudgets {
 public:
  // Which ledger the process writes: none, a file, or a chain of a database.
  struct Ledger {
    std::string path;   // Empty for none.
    int64_t chain = 0;  // 0 for none.
    // As of BudgetSharer; may be empty.
    std::function<BudgetSharer::LedgerNews()> news = nullptr;
  };

  // Borrows `clock`.
  explicit SharedBudgets(Clock& clock) : sharer_(clock) {}

  BudgetSharer* sharer() { return &sharer_; }

  // Borrows `runtime`. Adds the metrics of sharing. Does nothing without a
  // Redis.
  absl::Status Open(const CurrentRuntime& runtime, const Ledger& ledger,
                    MetricRegistry& registry);

  // Shares on that loop, which has a client of Redis, until Stop; nothing where
  // nothing is open.
  void Follow(EventLoop& loop);
  // Tells the others what is untold, if Redis answers.
  void Stop();

 private:
  BudgetSharer sharer_;
  bool is_open_ = false;
  EventLoop* follows_on_ = nullptr;
};

}  // namespace gateway

#endif  // SERVICE_SHARED_BUDGETS_H_
