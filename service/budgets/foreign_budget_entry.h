// ForeignBudgetChanges reads what an entry of the ledger says of budgets that
// an earlier system has written, whose lines were taken over: BUDGET_ALLOCATE
// and BUDGET_DEBIT, of the session, work order and agent that they name.
//
//   for (BudgetChange& change : ForeignBudgetChanges(entry)) ...
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

#include "service/budgets/budget_change.h"

namespace gateway {

// Empty for an entry of another kind, for one that names no session or no time,
// and for what is no JSON object: what others have written keeps nobody from
// starting.
std::vector<BudgetChange> ForeignBudgetChanges(std::string_view entry);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_FOREIGN_BUDGET_ENTRY_H_
