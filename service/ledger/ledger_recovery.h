// Closes what a process has left open: dispatches whose exchange nobody has
// written down, since it was killed meanwhile. What became of such a request
// nobody knows; the provider may have answered it, and bills that. So its
// exchange says UNKNOWN, and what it was estimated to cost, and budgets are
// charged that.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       const int64_t closed,
//       CloseOpenDispatches(*log, ChargeOfUnknown, random, clock));
//
// Thread contract: the thread that has opened the ledger, before any other
// appends. Blocks.

#ifndef SERVICE_LEDGER_LEDGER_RECOVERY_H_
#define SERVICE_LEDGER_LEDGER_RECOVERY_H_

#include <cstdint>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "service/ledger/dispatch_note.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_log.h"

namespace gateway {

// Makes the entry of what budgets are charged for a dispatch that is closed so,
// with that id and time.
using ChargeUnknown = absl::FunctionRef<absl::StatusOr<UnchainedEntry>(
    const OpenDispatches::Left& left, std::string id, absl::Time time)>;

// Returns how many there were. `charge` is asked for those that have a
// reservation. Errors are those of LedgerLog::Append, and its own.
absl::StatusOr<int64_t> CloseOpenDispatches(LedgerLog& log,
                                            ChargeUnknown charge,
                                            Random& random, Clock& clock);

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_RECOVERY_H_
