// The handlers of AdminService for budgets: AllocateBudget, GetBudget,
// ListBudgets, GetSessionSummary and ResetBudget.
//
//   BudgetsAdmin budgets({.runtime = runtime});
//   budgets.AddTo(table);  // As a part of AdminService, which says who may
//   call.
//
// What operators change is a line of the log, and where there is a ledger an
// entry of it, before it is in force.
//
// Thread-safe once added; handlers run on the loops of their calls, and on the
// worker pool where there is much to look through.

#ifndef SERVICE_API_BUDGETS_ADMIN_H_
#define SERVICE_API_BUDGETS_ADMIN_H_

#include <atomic>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "llmgateway/v1/budgets.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/ledger/entry.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

class BudgetsAdmin {
 public:
  // Commits an entry, without its id and time, and returns the id; a fault if
  // it could not be.
  using CommitEntry =
      std::function<Task<absl::StatusOr<std::string>>(LedgerEntry entry)>;

  struct Sources {
    const CurrentRuntime& runtime;  // Borrowed.
    CommitEntry commit;             // Null without a ledger.
  };

  explicit BudgetsAdmin(Sources sources) : sources_(std::move(sources)) {}

  BudgetsAdmin(const BudgetsAdmin&) = delete;
  BudgetsAdmin& operator=(const BudgetsAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> Allocate(
      CallContext& call, const llmgateway::v1::AllocateBudgetRequest& request,
      llmgateway::v1::AllocateBudgetResponse* response);
  Task<absl::Status> Get(CallContext& call,
                         const llmgateway::v1::GetBudgetRequest& request,
                         llmgateway::v1::GetBudgetResponse* response);
  Task<absl::Status> List(CallContext& call,
                          const llmgateway::v1::ListBudgetsRequest& request,
                          llmgateway::v1::ListBudgetsResponse* response);
  Task<absl::Status> Summarize(
      CallContext& call,
      const llmgateway::v1::GetSessionSummaryRequest& request,
      llmgateway::v1::SessionSummary* response);
  Task<absl::Status> Reset(CallContext& call,
                           const llmgateway::v1::ResetBudgetRequest& request,
                           llmgateway::v1::ResetBudgetResponse* response);
  Task<absl::Status> ResetAlone(
      CallContext& call, const llmgateway::v1::ResetBudgetRequest& request,
      llmgateway::v1::ResetBudgetResponse* response);

  // Has the ledger say what is about to change. Returns the entry's id; an
  // empty one without a ledger.
  Task<absl::StatusOr<std::string>> Commit(LedgerEntry entry) const;

  const Sources sources_;
  std::atomic<bool> resetting_ = false;
};

// Commits to the ledger of the process; null if there is none. Borrows
// `runtime`.
BudgetsAdmin::CommitEntry CommitsToLedger(const CurrentRuntime& runtime);

}  // namespace gateway

#endif  // SERVICE_API_BUDGETS_ADMIN_H_
