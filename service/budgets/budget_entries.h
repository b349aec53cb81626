// The ledger's entries about budgets: what a call was charged, what an operator
// has allocated or given back, and that a call was let pass with a warning.
//
//   const BudgetDebit debit = DebitOf(call.budgets->settled());
//   LedgerEntry entry = BudgetDebitEntry(debit, facts);
//   entry.id = NewEntryId(...);
//
// They have the members that readers of the ledger know, and one of ours
// (budget_change.h), from which BudgetBook knows all scopes. Whoever commits
// them gives them their id and time.
//
// Thread-safe: plain functions.

#ifndef SERVICE_BUDGETS_BUDGET_ENTRIES_H_
#define SERVICE_BUDGETS_BUDGET_ENTRIES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_settlement.h"
#include "service/ledger/entry.h"

namespace gateway {

// What a call was charged, all scopes together, each with what it took; or what
// it is to be charged, by estimate.
struct BudgetDebit {
  // One for each scope and, of a call with several targets, for each target.
  // Empty if nothing was charged.
  std::vector<BudgetChange> changes;
  // Of the whole call.
  BudgetAmounts total;
  // The innermost scope, its parent, and what is left of it in its unit; -1 if
  // it has no limit. The first of all where there are none of sessions.
  std::string scope_key;
  std::string parent_scope_key;  // Empty if there is none.
  int64_t remaining = -1;

  bool empty() const { return changes.empty(); }
};

// What a call was charged, with its texts.
BudgetDebit DebitOf(const BudgetSettlement& settled);

// Whose call it was; borrowed until the entry is made.
struct BudgetEntryFacts {
  std::string_view session_id;
  std::string_view work_order_id;
  std::string_view agent_id;
  std::string_view contract_id;
  std::string_view model_id;
  std::string_view request_id;
};

// BUDGET_DEBIT. The entry borrows the debit's `scope_key`. REQUIRES: the debit
// is not empty.
LedgerEntry BudgetDebitEntry(const BudgetDebit& debit,
                             const BudgetEntryFacts& facts);

// A budget that a call was let pass although it does not fit.
struct BudgetExceeded {
  std::string budget;  // Its name.
  std::string scope_key;
  std::string_view mode;
  std::string_view code;  // Why it does not fit (budget_fault.h).
  // What is counted: a unit of tokens as in the configuration, `usd_nanos` or
  // `calls`; how much the call has asked for, and how much there was.
  std::string_view unit;
  int64_t requested = 0;
  int64_t remaining = 0;
  // Of the whole call, whatever is counted.
  int64_t requested_tokens = 0;
  // Nothing where something else is counted.
  std::optional<int64_t> remaining_tokens;
};

// BUDGET_WARNING: a call was let pass that did not fit. Borrows `facts`.
LedgerEntry BudgetWarningEntry(const BudgetEntryFacts& facts,
                               const BudgetExceeded& exceeded);

// BUDGET_ALLOCATE. Borrows `scope_key`, which is that of the change's scope.
LedgerEntry BudgetAllocateEntry(const BudgetChange& change,
                                std::string_view scope_key);

// BUDGET_RESET, of at most kResetChangesMax changes. Borrows `budget`, the
// budget's name.
inline constexpr size_t kResetChangesMax = 1000;
LedgerEntry BudgetResetEntry(absl::Span<const BudgetChange> changes,
                             std::string_view budget);

// A text of what a call has reserved, to be kept where it survives the process
// (DISPATCH), and what is to be charged by it if the call never ended. The
// debit has no `remaining`.
std::string BudgetReservationForm(absl::Span<const BudgetChange> reserved);
absl::StatusOr<BudgetDebit> BudgetDebitOfForm(std::string_view form);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_ENTRIES_H_
