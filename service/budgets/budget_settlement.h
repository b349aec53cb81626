// BudgetSettlement is what a call was charged, as the call's loop knows it when
// the call ends: numbers, and names that are shared with the table. The text of
// it is made where the ledger is written (DebitOf, budget_entries.h).
//
//   BudgetSettlement settled;
//   charges.Settle(amounts, now, &settled);     // On the loop.
//   ...
//   const BudgetDebit debit = DebitOf(settled);  // Where texts are written.
//
// Thread contract: a value.

#ifndef SERVICE_BUDGETS_BUDGET_SETTLEMENT_H_
#define SERVICE_BUDGETS_BUDGET_SETTLEMENT_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_scope.h"

namespace gateway {

// What one scope was charged.
struct SettledScope {
  std::shared_ptr<const BudgetScope> scope;
  int64_t start = 0;  // Of the window or step that it belongs to.
  BudgetAmounts amounts;
  // Of a session that is its caller's alone.
  std::optional<BudgetBinding> binding;
};

struct BudgetSettlement {
  // Those of sessions together, the innermost first; then those of targets, one
  // for each attempt. Empty if nothing was charged.
  absl::InlinedVector<SettledScope, 4> scopes;
  BudgetAmounts total;  // Of the whole call.
  int64_t time = 0;     // When, in seconds since 1970.
  // How many tokens are left of the scope that the debit is told by; -1 if it
  // has no limit of them.
  int64_t remaining = -1;

  bool empty() const { return scopes.empty(); }
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_SETTLEMENT_H_
