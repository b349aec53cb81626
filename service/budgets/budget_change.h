// BudgetChange is what the ledger says of one scope: that something was
// charged to it, given back, or allocated. An entry has a list of them, in a
// member of its metadata that is ours, `gateway`, beside those that readers of
// the ledger know.
//
//   WriteBudgetChanges(changes, "req-1", metadata.Object(kBudgetMember));
//   ...
//   BudgetEntryRead read;
//   GATEWAY_RETURN_IF_ERROR(ReadBudgetEntry(entry_text, &read));
//
// Thread-safe: plain functions.

#ifndef SERVICE_BUDGETS_BUDGET_CHANGE_H_
#define SERVICE_BUDGETS_BUDGET_CHANGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "service/budgets/budget_amounts.h"
#include "service/budgets/budget_scope.h"
#include "service/ledger/metadata_writer.h"

namespace gateway {

// What an operator has allocated to a scope.
struct BudgetAllocation {
  std::optional<int64_t> limit;  // In the budget's unit.
  std::optional<int64_t> turn_limit;
  int64_t expire_time = 0;  // Seconds since 1970; 0 if never.
  // Taken back: the scope has what the configuration says.
  bool removed = false;
  // The greater one counts: nanoseconds since 1970.
  int64_t version = 0;

  bool operator==(const BudgetAllocation&) const = default;
};

// Whose a scope is: the caller who was first to be charged to it.
struct BudgetBinding {
  std::string caller;  // As in a scope; empty if he showed no key.
  int64_t time = 0;    // Since when; the earlier one counts.

  bool operator==(const BudgetBinding&) const = default;
};

// Takes in what is known of it elsewhere: in whatever order, the same comes of
// it.
void Bind(const std::optional<BudgetBinding>& other,
          std::optional<BudgetBinding>* known);

struct BudgetChange {
  // As `start`, of a budget without a window: from where it began on, or from
  // `time` on if it begins with this.
  static constexpr int64_t kWhereItBegan = 0;

  BudgetScope scope;
  int64_t start = 0;      // Of the window or step that it belongs to.
  int64_t time = 0;       // When, in seconds since 1970.
  BudgetAmounts amounts;  // Added; negative where something is given back.
  std::optional<BudgetAllocation> allocation;
  // Of what is given back to all replicas: the greatest counts, each once. 0
  // otherwise.
  int64_t reset_version = 0;
  // Of a session that is its caller's alone.
  std::optional<BudgetBinding> binding;

  bool operator==(const BudgetChange&) const = default;
};

// The member `gateway` of an entry's metadata, and its name.
inline constexpr std::string_view kBudgetMember = "gateway";

// Writes the member's value, or returns it as a text. REQUIRES: texts are
// UTF-8.
void WriteBudgetChanges(absl::Span<const BudgetChange> changes,
                        std::string_view request_id, MetadataWriter out);
std::string BudgetForm(absl::Span<const BudgetChange> changes,
                       std::string_view request_id);

// Reads what BudgetForm has returned; appends to `changes`. An
// InvalidArgument names what is wrong.
absl::Status ReadBudgetForm(std::string_view form,
                            std::vector<BudgetChange>* changes);

// Reads an entry of the ledger, whose text is one JSON object; one that is not
// about budgets has no changes, and one that was written by others those of
// foreign_budget_entry.h. An InvalidArgument names what is wrong.
absl::Status ReadBudgetEntry(std::string_view entry,
                             std::vector<BudgetChange>* changes);

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_CHANGE_H_
