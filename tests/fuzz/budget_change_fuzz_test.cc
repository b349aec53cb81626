// What the ledger says of budgets is read at each start: an entry that was
// altered, or written by somebody else, must be told and never believed.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "service/budgets/budget_book.h"
#include "service/budgets/budget_change.h"
#include "tests/testing/exact_copy.h"

namespace gateway {
namespace {

void CheckEntry(std::string_view text) {
  std::vector<BudgetChange> changes;
  if (ReadBudgetEntry(text, &changes).ok()) {
    // What was read is written so that it reads the same.
    const std::string form = BudgetForm(changes, {});
    std::vector<BudgetChange> again;
    if (!ReadBudgetForm(form, &again).ok() || again != changes) std::abort();
    BudgetBook book;
    for (const BudgetChange& change : changes) book.Apply(change);
    BudgetBook restored;
    if (!restored.Restore(book.Checkpoint()).ok() || !(restored == book)) {
      std::abort();
    }
  }
  BudgetBook book;
  book.Restore(text).IgnoreError();
}

}  // namespace
}  // namespace gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const gateway::ExactCopy copy(
      std::string_view(reinterpret_cast<const char*>(data), size));
  gateway::CheckEntry(copy.view());
  return 0;
}
