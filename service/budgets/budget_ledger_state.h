// BudgetLedgerState is what the ledger keeps of budgets (ledger_state.h): a
// BudgetBook that is told each entry once it is committed, and of which the
// ledger keeps a checkpoint from time to time.
//
//   BudgetLedgerState state(retention);
//   LedgerLog::Open({..., .state = &state});    // Restores and applies.
//   table.Load(state.book());                   // Before calls begin.
//
// Where the ledger goes on in another chain, since this one was taken over, it
// begins anew with what that has; what it had of the one before is told first.
//
// Thread contract: as LedgerState has it.

#ifndef SERVICE_BUDGETS_BUDGET_LEDGER_STATE_H_
#define SERVICE_BUDGETS_BUDGET_LEDGER_STATE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "service/budgets/budget_book.h"
#include "service/ledger/entry.h"
#include "service/ledger/ledger_state.h"

namespace gateway {

class BudgetLedgerState final : public LedgerState {
 public:
  // Of scopes without a window those are forgotten to which nothing was charged
  // for `retention`. `on_left`, which may be empty, is told what the chain that
  // is left says.
  explicit BudgetLedgerState(
      absl::Duration retention,
      std::function<void(const BudgetBook& left)> on_left = nullptr)
      : retention_(retention), on_left_(std::move(on_left)) {}

  absl::Status Apply(std::string_view entry) override;
  void Apply(const BudgetChanges& changes) override;
  std::string Checkpoint() const override;
  absl::Status Restore(std::string_view checkpoint) override;

  const BudgetBook& book() const { return book_; }

 private:
  // Forgets what is over, before the next entry.
  void Forget();

  const absl::Duration retention_;
  const std::function<void(const BudgetBook& left)> on_left_;
  BudgetBook book_;
  bool has_begun_ = false;
  // Since something was forgotten last: how many there were, and the least of
  // the times that the book had.
  static constexpr int64_t kNoTime = std::numeric_limits<int64_t>::max();
  size_t entries_ = 0;
  int64_t least_time_ = kNoTime;
};

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_LEDGER_STATE_H_
