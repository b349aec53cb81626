// BudgetBook knows what all scopes have spent and what was allocated to them,
// by the ledger: from a checkpoint and the entries behind it.
//
//   BudgetBook book;
//   GATEWAY_RETURN_IF_ERROR(book.Restore(checkpoint));
//   for (...) GATEWAY_RETURN_IF_ERROR(book.Apply(number, entry));
//   table.Load(book, now);
//   ...
//   Keep(book.Checkpoint(), book.last_entry());
//
// The state is exactly what the entries say, in whatever order they were
// written, as long as they are less than a day apart (budget_spend.h): all that
// is added to a window is a sum, and of allocations the latest counts. A
// checkpoint is made of entries that are committed, and so never has what a
// crash takes back: whoever makes one applies what was committed to a book of
// his own, and does not ask the running calls.
//
// Thread-compatible.

#ifndef SERVICE_BUDGETS_BUDGET_BOOK_H_
#define SERVICE_BUDGETS_BUDGET_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "service/budgets/budget_change.h"
#include "service/budgets/budget_scope.h"
#include "service/budgets/budget_spend.h"
#include "service/budgets/budget_window.h"

namespace gateway {

// What is known of one scope.
struct BudgetAccount {
  BudgetWindow window;
  BudgetSpend spend;
  std::optional<BudgetAllocation> allocation;
  // Of the last reset that replicas share; 0 before the first.
  int64_t reset_version = 0;
  // Whose it is; nothing where it is anybody's.
  std::optional<BudgetBinding> binding;

  bool is_allocated() const {
    return allocation.has_value() && !allocation->removed;
  }

  // Takes in what a change says of the account's scope.
  void Apply(const BudgetChange& change);

  // Takes in what another ledger knows of the account's scope, besides.
  void Add(const BudgetAccount& other);

  bool operator==(const BudgetAccount&) const = default;
};

class BudgetBook {
 public:
  // Takes in the entry of this number, from 1 on; one that it has taken in
  // already changes nothing, and nor does one that is not about budgets. An
  // InvalidArgument names what is wrong; then nothing has changed.
  absl::Status Apply(int64_t number, std::string_view entry);

  // The same of the next entry, by what it says.
  void ApplyNext(absl::Span<const BudgetChange> changes);

  // The same of what an entry says, whatever its number.
  void Apply(const BudgetChange& change);

  // Takes in all that the book of another chain knows, besides. A scope without
  // a window goes on from where it began here, if it is known here.
  void Add(const BudgetBook& other);

  // The number of the last entry that it knows; 0 if it knows none.
  int64_t last_entry() const { return last_entry_; }
  // The latest time that one of them names, in seconds, of a clock that was not
  // put back by more than a day since; 0 if none does.
  int64_t last_time() const { return last_time_; }

  // All that it knows, as bytes; the same for equal books.
  std::string Checkpoint() const;

  // Takes the place of all that it knows. DATA_LOSS, and nothing has changed,
  // if these bytes are no checkpoint.
  absl::Status Restore(std::string_view checkpoint);

  // Drops scopes whose window is over, and those without one that nothing was
  // charged to for `retention`, unless something is allocated to them.
  void ForgetBefore(absl::Time now, absl::Duration retention);

  void ForEach(absl::FunctionRef<void(const BudgetScope& scope,
                                      const BudgetAccount& account)>
                   visit) const;

  size_t size() const { return accounts_.size(); }

  // Whether they know the same.
  bool operator==(const BudgetBook&) const = default;

 private:
  int64_t last_entry_ = 0;
  int64_t last_time_ = 0;
  std::map<BudgetScope, BudgetAccount> accounts_;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_BOOK_H_
