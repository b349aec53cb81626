// BudgetScope names one scope of one budget: what the ledger, operators and
// callers know it by.
//
// Texts that callers choose are kept up to kValueBytesMax: a longer one is
// replaced by its beginning and its SHA-256, so that no two become one.
//
// Thread contract: a value.

#ifndef SERVICE_BUDGETS_BUDGET_SCOPE_H_
#define SERVICE_BUDGETS_BUDGET_SCOPE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/limits/counter_key.h"
#include "service/limits/limit_rule.h"
#include "service/limits/limit_subject.h"

namespace gateway {

struct BudgetScope {
  static constexpr size_t kValueBytesMax = 256;

  std::string budget;  // Its name.
  std::string window;  // BudgetWindow::name.
  // What its calls have in common, in the order of the dimensions.
  std::vector<std::pair<LimitDimension, std::string>> subject;
  // The scope that those share for which there was no room; its values are
  // empty.
  bool others = false;
  // Of those all who has asked for them; empty if several have.
  std::string others_of = {};

  bool operator==(const BudgetScope&) const = default;
  auto operator<=>(const BudgetScope&) const = default;

  // Where a table keeps it: what all scopes of the budget begin with, combined
  // with the key of each value.
  static CounterKey SeedOf(std::string_view budget, std::string_view window,
                           const std::vector<LimitDimension>& dimensions,
                           const KeySecret& secret);
  CounterKey KeyBy(const KeySecret& secret) const;
  // That of the scope of all others, or of all others `of` somebody.
  static CounterKey OthersKey(const CounterKey& seed, std::string_view of,
                              const KeySecret& secret);

  // For people, and as the ledger's `scope_key`: `SES-1/WO-1/agent-1` of those
  // of sessions, otherwise `daily` or `daily/user=ann`.
  std::string Text() const;

  // Empty if there is none.
  std::string_view ValueOf(LimitDimension dimension) const;
};

// As it is kept in a scope.
std::string BudgetScopeValue(std::string_view text);

// By its name as in the configuration; LIMIT_DIMENSION_UNSPECIFIED if there is
// none of it.
LimitDimension LimitDimensionNamed(std::string_view name);

// The budgets that BudgetsConfig.sessions makes.
inline constexpr std::string_view kSessionBudget = "session";
inline constexpr std::string_view kWorkOrderBudget = "work_order";
inline constexpr std::string_view kAgentBudget = "agent";

inline bool IsSessionBudget(std::string_view name) {
  return name == kSessionBudget || name == kWorkOrderBudget ||
         name == kAgentBudget;
}

}  // namespace gateway

#endif  // SERVICE_BUDGETS_BUDGET_SCOPE_H_
