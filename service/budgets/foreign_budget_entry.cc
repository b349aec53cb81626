#include "service/budgets/foreign_budget_entry.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "service/ledger/entry_reader.h"
#include "service/money/money.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

// What its metadata says; of what is null nothing.
struct ForeignEntry {
  std::string event_type;
  absl::Time time = absl::InfinitePast();
  std::string session;
  std::string work_order;
  std::string agent;
  std::optional<int64_t> token_limit;
  std::optional<int64_t> turn_limit;
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
  double cost = 0;
};

absl::Status ReadForeignText(JsonValue& value, std::string* text) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view read, value.String());
  *text = std::string(read);
  return absl::OkStatus();
}

absl::Status ReadForeignNumber(JsonValue& value, int64_t* number) {
  GATEWAY_ASSIGN_OR_RETURN(*number, value.Int64());
  if (*number >= 0) return absl::OkStatus();
  return value.Error("must not be negative");
}

absl::Status ReadForeignMember(std::string_view name, JsonValue& value,
                               ForeignEntry* entry) {
  if (name == "scope_session_id") {
    return ReadForeignText(value, &entry->session);
  }
  if (name == "scope_work_order_id") {
    return ReadForeignText(value, &entry->work_order);
  }
  if (name == "scope_agent_id") return ReadForeignText(value, &entry->agent);
  if (value.IsNull()) return absl::OkStatus();
  int64_t* number = nullptr;
  if (name == "token_limit") number = &entry->token_limit.emplace();
  if (name == "turn_limit") number = &entry->turn_limit.emplace();
  if (name == "input_tokens") number = &entry->input_tokens;
  if (name == "output_tokens") number = &entry->output_tokens;
  if (number != nullptr) return ReadForeignNumber(value, number);
  if (name != "cost_incurred") return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(entry->cost, value.Double());
  return absl::OkStatus();
}

absl::Status ReadForeign(std::string_view text, ForeignEntry* entry) {
  return ReadJsonAsPython(text, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key,
                              JsonValue& value) -> absl::Status {
      if (key == "event_type") {
        return ReadForeignText(value, &entry->event_type);
      }
      if (key == "timestamp") {
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view time, value.String());
        entry->time = ReadLedgerTime(time);
        return absl::OkStatus();
      }
      if (key != "metadata") return absl::OkStatus();
      return value.EachField([&](std::string_view name, JsonValue& member) {
        return ReadForeignMember(name, member, entry);
      });
    });
  });
}

int64_t NanosOf(double dollars) {
  constexpr double kMost = 1e9;  // Dollars.
  if (!(dollars > 0)) return 0;
  return std::llround(std::min(dollars, kMost) *
                      static_cast<double>(Money::kNanosPerDollar));
}

// The innermost first.
std::vector<BudgetScope> ScopesOf(const ForeignEntry& entry) {
  const std::string session = BudgetScopeValue(entry.session);
  const std::string work_order = BudgetScopeValue(entry.work_order);
  std::vector<BudgetScope> scopes;
  // In the order of the dimensions.
  if (!entry.agent.empty()) {
    scopes.push_back(
        {.budget = std::string(kAgentBudget),
         .subject = {
             {config::LIMIT_DIMENSION_AGENT, BudgetScopeValue(entry.agent)},
             {config::LIMIT_DIMENSION_SESSION, session},
             {config::LIMIT_DIMENSION_WORK_ORDER, work_order}}});
  }
  if (!entry.work_order.empty()) {
    scopes.push_back(
        {.budget = std::string(kWorkOrderBudget),
         .subject = {{config::LIMIT_DIMENSION_SESSION, session},
                     {config::LIMIT_DIMENSION_WORK_ORDER, work_order}}});
  }
  scopes.push_back({.budget = std::string(kSessionBudget),
                    .subject = {{config::LIMIT_DIMENSION_SESSION, session}}});
  return scopes;
}

}  // namespace

absl::StatusOr<std::vector<BudgetChange>> ForeignBudgetChanges(
    std::string_view text) {
  ForeignEntry entry;
  std::vector<BudgetChange> changes;
  if (const absl::Status read = ReadForeign(text, &entry); !read.ok()) {
    EntryFacts facts;
    ReadEntryFacts(text, &facts).IgnoreError();
    return absl::InvalidArgumentError(
        absl::StrCat("the budget entry ", facts.id, ": ", read.message()));
  }
  if (entry.session.empty() || entry.time == absl::InfinitePast()) {
    return changes;
  }
  const int64_t second = absl::ToUnixSeconds(entry.time);
  if (entry.event_type == "BUDGET_DEBIT") {
    for (BudgetScope& scope : ScopesOf(entry)) {
      changes.push_back({.scope = std::move(scope),
                         .start = BudgetChange::kWhereItBegan,
                         .time = second,
                         .amounts = {.input_tokens = entry.input_tokens,
                                     .output_tokens = entry.output_tokens,
                                     .cost_usd_nanos = NanosOf(entry.cost),
                                     .turns = 1}});
    }
  } else if (entry.event_type == "BUDGET_ALLOCATE") {
    changes.push_back({.scope = std::move(ScopesOf(entry).front()),
                       .time = second,
                       .allocation = BudgetAllocation{
                           .limit = entry.token_limit,
                           .turn_limit = entry.turn_limit,
                           .version = absl::ToUnixNanos(entry.time)}});
  }
  return changes;
}

}  // namespace gateway
