// ChargeOfUnknown makes the ledger's entry of what budgets are charged for a
// dispatch that a process has left open (ledger_recovery.h): by its estimate,
// in the window in which it was made.
//
// Thread-safe: a plain function.

#ifndef SERVICE_BUDGETS_UNKNOWN_CHARGE_H_
#define SERVICE_BUDGETS_UNKNOWN_CHARGE_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"

namespace gateway {

// A BUDGET_DEBIT, of what BudgetReservationForm has written as `left`'s
// reservation. DATA_LOSS if that cannot be read.
absl::StatusOr<UnchainedEntry> ChargeOfUnknown(const OpenDispatches::Left& left,
                                               std::string id, absl::Time time);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_UNKNOWN_CHARGE_H_
