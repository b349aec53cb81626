// The handlers of AdminService for budgets: AllocateBudget, GetBudget,
// ListBudgets, GetSessionSummary and ResetBudget.
//
//   BudgetsAdmin budgets({.runtime = runtime});
//   budgets.AddTo(table);  // As a part of AdminService, which says who may
//   call.
//
// What operators change is a line of the log, and where there is a ledger an
// entry of it, before it is in force. Where it is not known for long whether
// the ledger has it, the operator hears that, and if it does it is in force
// once that is known.
//
// Thread-safe once added; handlers run on the loops of their calls, and on the
// worker pool where there is much to look through.

#ifndef SERVICE_API_BUDGETS_ADMIN_H_
#define SERVICE_API_BUDGETS_ADMIN_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "llmgateway/v1/budgets.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/ledger/entry.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

class BudgetsAdmin {
 public:
  // Commits an entry, without its id and time, calls `apply`, and returns the
  // id; a fault if it could not be, or nobody knows yet whether it is there.
  // Then `apply`, which must be thread-safe, is called if and when it is found
  // to be, and destroyed once that is known.
  using CommitEntry = std::function<Task<absl::StatusOr<std::string>>(
      LedgerEntry entry, std::function<void()> apply)>;

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
  // The right to reset: given back when nobody holds it any more.
  struct ResetPermit {};
  // Null while another is held.
  std::shared_ptr<const ResetPermit> TakeResetPermit()
      LOCKS_EXCLUDED(resetting_mu_);
  Task<absl::Status> ResetAlone(
      CallContext& call, const llmgateway::v1::ResetBudgetRequest& request,
      std::shared_ptr<const ResetPermit> permit,
      llmgateway::v1::ResetBudgetResponse* response);

  // Has the ledger say what is about to change, and changes it by `apply`, as
  // of CommitEntry. Returns the entry's id; an empty one without a ledger.
  Task<absl::StatusOr<std::string>> Commit(LedgerEntry entry,
                                           std::function<void()> apply) const;

  const Sources sources_;
  Mutex resetting_mu_;
  std::weak_ptr<const ResetPermit> resetting_ GUARDED_BY(resetting_mu_);
};

// Commits to the ledger of the process; null if there is none. Borrows
// `runtime`.
BudgetsAdmin::CommitEntry CommitsToLedger(const CurrentRuntime& runtime);

}  // namespace gateway

#endif  // SERVICE_API_BUDGETS_ADMIN_H_
