// LedgerState is what somebody makes of what the ledger says of budgets, and
// does not want to read all of it for at each start: the ledger tells it every
// such entry once it is committed, in their order, and keeps from time to time
// what it has come to.
//
// Thread contract: the thread that opens the ledger, and then the one that
// appends to it.

#ifndef SERVICE_LEDGER_LEDGER_STATE_H_
#define SERVICE_LEDGER_LEDGER_STATE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "service/ledger/entry.h"

namespace gateway {

class LedgerState {
 public:
  virtual ~LedgerState() = default;

  // An entry is committed whose event type may begin with `BUDGET_`: one that
  // does, or one that has such a text elsewhere. What cannot be read of it is
  // an error where the ledger is opened, and cannot be otherwise.
  virtual absl::Status Apply(std::string_view entry) = 0;

  // The same of an entry that was written here, by what its text says.
  virtual void Apply(const BudgetChanges& changes) = 0;

  // All that it has come to, for Restore.
  virtual std::string Checkpoint() const = 0;

  // Begins with what Checkpoint returned; empty for nothing.
  virtual absl::Status Restore(std::string_view checkpoint) = 0;
};

}  // namespace gateway

#endif  // SERVICE_LEDGER_LEDGER_STATE_H_
