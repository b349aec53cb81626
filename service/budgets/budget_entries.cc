#include "service/budgets/budget_entries.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/ledger/metadata_writer.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// About how long a debit's metadata is, and what each change adds.
constexpr size_t kDebitBytes = 512;
constexpr size_t kDebitChangeBytes = 256;

// Null where there is none, as other writers of these entries have it.
void AddTextOrNull(MetadataWriter& metadata, const MemberName& name,
                   std::string_view text) {
  if (text.empty()) {
    metadata.AddNull(name);
  } else {
    metadata.AddText(name, text);
  }
}

void AddIntOrNull(MetadataWriter& metadata, const MemberName& name,
                  std::optional<int64_t> number) {
  if (number.has_value()) {
    metadata.AddInt(name, *number);
  } else {
    metadata.AddNull(name);
  }
}

// Names the scope that a debit is told by, and its parent; returns what that
// was charged. Those of sessions stand together, the innermost first.
const BudgetChange* NameScopes(BudgetDebit* debit) {
  const BudgetChange* told = nullptr;
  for (const BudgetChange& change : debit->changes) {
    const bool is_of_session = IsSessionBudget(change.scope.budget);
    if (told == nullptr ||
        (is_of_session && !IsSessionBudget(told->scope.budget))) {
      told = &change;
    } else if (is_of_session && debit->parent_scope_key.empty()) {
      debit->parent_scope_key = change.scope.Text();
    }
  }
  if (told != nullptr) debit->scope_key = told->scope.Text();
  return told;
}

}  // namespace

BudgetDebit DebitOf(const BudgetSettlement& settled) {
  BudgetDebit debit = {.total = settled.total, .remaining = settled.remaining};
  debit.changes.reserve(settled.scopes.size());
  for (const SettledScope& each : settled.scopes) {
    debit.changes.push_back({.scope = *each.scope,
                             .start = each.start,
                             .time = settled.time,
                             .amounts = each.amounts,
                             .binding = each.binding});
  }
  NameScopes(&debit);
  return debit;
}

LedgerEntry BudgetDebitEntry(const BudgetDebit& debit,
                             const BudgetEntryFacts& facts) {
  LedgerEntry entry;
  entry.event_type = "BUDGET_DEBIT";
  entry.submission_id = debit.scope_key;
  entry.decision = "DEBITED";
  entry.reason = absl::StrCat("Debited ", debit.total.total_tokens(),
                              " tokens from ", debit.scope_key);
  entry.metadata.reserve(kDebitBytes +
                         debit.changes.size() * kDebitChangeBytes);
  MetadataWriter metadata(&entry.metadata);
  metadata.AddFloat("cost_incurred",
                    static_cast<double>(debit.total.cost_usd_nanos) /
                        static_cast<double>(Money::kNanosPerDollar));
  WriteBudgetChanges(debit.changes, facts.request_id,
                     metadata.Object(kBudgetMember));
  metadata.AddInt("input_tokens", debit.total.input_tokens);
  metadata.AddText("model_id", facts.model_id);
  metadata.AddInt("output_tokens", debit.total.output_tokens);
  AddTextOrNull(metadata, "parent_scope_key", debit.parent_scope_key);
  AddIntOrNull(metadata, "remaining",
               debit.remaining < 0 ? std::nullopt
                                   : std::optional<int64_t>(debit.remaining));
  AddTextOrNull(metadata, "scope_agent_id", facts.agent_id);
  metadata.AddText("scope_key", debit.scope_key);
  AddTextOrNull(metadata, "scope_session_id", facts.session_id);
  AddTextOrNull(metadata, "scope_work_order_id", facts.work_order_id);
  metadata.AddInt("total_tokens", debit.total.total_tokens());
  return entry;
}

LedgerEntry BudgetWarningEntry(const BudgetEntryFacts& facts,
                               const BudgetExceeded& exceeded) {
  LedgerEntry entry;
  entry.event_type = "BUDGET_WARNING";
  entry.submission_id = facts.contract_id;
  entry.decision = "WARNING";
  entry.reason = absl::StrCat("Budget ", exceeded.budget, " has ",
                              exceeded.remaining, " ", ToAbsl(exceeded.unit),
                              " left, ", exceeded.requested, " requested");
  MetadataWriter metadata(&entry.metadata);
  metadata.AddText("agent_id", facts.agent_id);
  metadata.AddText("budget_mode", exceeded.mode);
  metadata.AddText("contract_id", facts.contract_id);
  {
    MetadataWriter own = metadata.Object(kBudgetMember);
    own.AddText("budget", exceeded.budget);
    own.AddText("code", exceeded.code);
    own.AddInt("remaining", exceeded.remaining);
    own.AddText("request_id", facts.request_id);
    own.AddInt("requested", exceeded.requested);
    own.AddText("scope_key", exceeded.scope_key);
    own.AddText("unit", exceeded.unit);
  }
  metadata.AddText("model_id", facts.model_id);
  AddIntOrNull(metadata, "remaining", exceeded.remaining_tokens);
  metadata.AddInt("requested_tokens", exceeded.requested_tokens);
  metadata.AddText("session_id", facts.session_id);
  metadata.AddText("work_order_id", facts.work_order_id);
  return entry;
}

LedgerEntry BudgetAllocateEntry(const BudgetChange& change,
                                std::string_view scope_key) {
  const BudgetAllocation& said = *change.allocation;
  LedgerEntry entry;
  entry.event_type = "BUDGET_ALLOCATE";
  entry.submission_id = scope_key;
  entry.decision = "ALLOCATED";
  entry.reason =
      absl::StrCat(said.removed ? "Allocation removed from " : "Allocated to ",
                   ToAbsl(scope_key));
  MetadataWriter metadata(&entry.metadata);
  WriteBudgetChanges({&change, 1}, {}, metadata.Object(kBudgetMember));
  const BudgetScope& scope = change.scope;
  AddTextOrNull(metadata, "scope_agent_id",
                scope.ValueOf(config::LIMIT_DIMENSION_AGENT));
  metadata.AddText("scope_key", scope_key);
  AddTextOrNull(metadata, "scope_session_id",
                scope.ValueOf(config::LIMIT_DIMENSION_SESSION));
  AddTextOrNull(metadata, "scope_work_order_id",
                scope.ValueOf(config::LIMIT_DIMENSION_WORK_ORDER));
  std::optional<int64_t> timeout;
  if (said.expire_time != 0) timeout = said.expire_time - change.time;
  AddIntOrNull(metadata, "timeout_seconds", timeout);
  AddIntOrNull(metadata, "token_limit", said.limit);
  AddIntOrNull(metadata, "turn_limit", said.turn_limit);
  return entry;
}

LedgerEntry BudgetResetEntry(absl::Span<const BudgetChange> changes,
                             std::string_view budget) {
  LedgerEntry entry;
  entry.event_type = "BUDGET_RESET";
  entry.submission_id = budget;
  entry.decision = "RESET";
  entry.reason = absl::StrCat("Budget ", ToAbsl(budget), " was reset");
  MetadataWriter metadata(&entry.metadata);
  WriteBudgetChanges(changes, {}, metadata.Object(kBudgetMember));
  return entry;
}

std::string BudgetReservationForm(absl::Span<const BudgetChange> reserved) {
  return BudgetForm(reserved, {});
}

absl::StatusOr<BudgetDebit> BudgetDebitOfForm(std::string_view form) {
  BudgetDebit debit;
  GATEWAY_RETURN_IF_ERROR(ReadBudgetForm(form, &debit.changes));
  // Each has all of the call.
  const BudgetChange* const told = NameScopes(&debit);
  if (told != nullptr) debit.total = told->amounts;
  return debit;
}

}  // namespace gateway
