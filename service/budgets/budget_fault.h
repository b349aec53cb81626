// What a caller is told whose call does not fit into a budget.
//
// Thread-safe: plain functions.

#ifndef SERVICE_BUDGETS_BUDGET_FAULT_H_
#define SERVICE_BUDGETS_BUDGET_FAULT_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/budgets/budget_table.h"

namespace gateway {

// How soon to come again when what is left is reserved by calls under way:
// nobody knows when they end, so soon.
inline constexpr absl::Duration kCallsEndDelay = absl::Seconds(1);

// Returns FORBIDDEN, with the session and `rule` in the metadata, if that is
// another caller's; otherwise BUDGET_EXCEEDED. If there is no place for the
// session, that says so; else it names the budget that refuses for longest -
// one for which waiting does not help before all others, of several the first
// of the charges -, what is left of it and, where waiting helps, when it will
// do.
// Where none refuses, nothing is allocated to the call's session. REQUIRES: the
// call is refused.
absl::Status BudgetFault(absl::Span<const BudgetCharge> charges,
                         absl::Time now);

// Why the charge does not fit, in one word, as the documentation of
// BUDGET_EXCEEDED lists them (errors.proto); `charges` are all of its call.
// REQUIRES: it has an obstacle.
std::string_view BudgetDenialCode(absl::Span<const BudgetCharge> charges,
                                  const BudgetCharge& told);

// What a call is told that was let in: that the budget is nearly, or more than,
// spent; if the call has made it so since, by what it has made of it. REQUIRES:
// one of both.
std::string BudgetWarningText(const BudgetCharge& charge);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_FAULT_H_
