#include "service/budgets/budget_ledger_state.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "absl/time/time.h"

namespace gateway {

void BudgetLedgerState::Forget() {
  // Looked at in such steps that all of it costs an entry little.
  constexpr size_t kEntriesMin = 10'000;
  if (++entries_ <= std::max(kEntriesMin, 2 * book_.size())) return;
  entries_ = 0;
  // By the entries' own time: who reads them again comes to the same. By the
  // least of it, so that a clock which was ahead for some of them forgets
  // nothing.
  book_.ForgetBefore(absl::FromUnixSeconds(least_time_), retention_);
  least_time_ = kNoTime;
}

absl::Status BudgetLedgerState::Apply(std::string_view entry) {
  Forget();
  absl::Status applied = book_.Apply(book_.last_entry() + 1, entry);
  least_time_ = std::min(least_time_, book_.last_time());
  return applied;
}

void BudgetLedgerState::Apply(const BudgetChanges& changes) {
  Forget();
  book_.ApplyNext(changes);
  least_time_ = std::min(least_time_, book_.last_time());
}

std::string BudgetLedgerState::Checkpoint() const { return book_.Checkpoint(); }

absl::Status BudgetLedgerState::Restore(std::string_view checkpoint) {
  if (std::exchange(has_begun_, true) && on_left_) on_left_(book_);
  return book_.Restore(checkpoint);
}

}  // namespace gateway
