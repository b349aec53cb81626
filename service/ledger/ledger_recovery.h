// Closes what a process has left open: dispatches whose exchange nobody has
// written down, since it was killed meanwhile. What became of such a request
// nobody knows; the provider may have answered it, and bills that. So its
// exchange says UNKNOWN, and what it was estimated to cost.
//
//   GATEWAY_ASSIGN_OR_RETURN(const int64_t closed,
//                            CloseOpenDispatches(*log, random, clock));
//
// Thread contract: the thread that has opened the ledger, before any other
// appends. Blocks.

#ifndef SERVICE_LEDGER_LEDGER_RECOVERY_H_
#define SERVICE_LEDGER_LEDGER_RECOVERY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/os/clock.h"
#include "base/os/random.h"
#include "service/ledger/ledger_log.h"

namespace gateway {

// Returns how many there were. Errors are those of LedgerLog::Append.
absl::StatusOr<int64_t> CloseOpenDispatches(LedgerLog& log, Random& random,
                                            Clock& clock);

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_RECOVERY_H_
