// ForeignBudgetChanges reads what an entry of the ledger says of budgets that
// an earlier system has written, whose lines were taken over: BUDGET_ALLOCATE
// and BUDGET_DEBIT, of the session, work order and agent that they name.
//
//   GATEWAY_ASSIGN_OR_RETURN(const std::vector<BudgetChange> changes,
//                            ForeignBudgetChanges(entry));
//
// A debit is charged to all that it names, as a call that names them is. An
// allocation is of the innermost, without the time that it names: where it was
// written, that ended nothing.
//
// Thread-safe: plain functions.

#ifndef SERVICE_BUDGETS_FOREIGN_BUDGET_ENTRY_H_
#define SERVICE_BUDGETS_FOREIGN_BUDGET_ENTRY_H_

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "service/budgets/budget_change.h"

namespace gateway {

// Empty for an entry of another kind, and for one that names no session or no
// time: that says nothing of a budget. An InvalidArgument names the entry, and
// the member that cannot be read, such as an amount below 0: it would be spent
// again otherwise.
absl::StatusOr<std::vector<BudgetChange>> ForeignBudgetChanges(
    std::string_view entry);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_FOREIGN_BUDGET_ENTRY_H_
