// What operators are told of budgets, and how they name a scope.
//
//   GATEWAY_ASSIGN_OR_RETURN(const BudgetRule* rule, BudgetNamed(runtime,
//   name)); GATEWAY_ASSIGN_OR_RETURN(const BudgetScope scope,
//                            ScopeNamed(*rule, request.subject()));
//   FillBudgetUsage(*rule, standing, to);
//
// Thread-safe: plain functions.

#ifndef SERVICE_API_BUDGET_VIEW_H_
#define SERVICE_API_BUDGET_VIEW_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/map.h"
#include "llmgateway/v1/budgets.pb.h"
#include "service/budgets/budget_rule.h"
#include "service/budgets/budget_scope.h"
#include "service/budgets/budget_table.h"
#include "service/pipeline/runtime_snapshot.h"

namespace gateway {

using BudgetSubject = google::protobuf::Map<std::string, std::string>;

// NOT_CONFIGURED if there are no budgets, NOT_FOUND if there is none of the
// name. Valid as long as the runtime.
absl::StatusOr<const BudgetRule*> BudgetNamed(const RuntimeSnapshot& runtime,
                                              const std::string& name);

// INVALID_REQUEST if the subject does not name each of the budget's dimensions
// and no other.
absl::StatusOr<BudgetScope> ScopeNamed(const BudgetRule& rule,
                                       const BudgetSubject& subject);

// INVALID_REQUEST if it names something else.
absl::Status CheckBudgetSubject(const BudgetRule& rule,
                                const BudgetSubject& subject);

// Whether the scope has all of these.
bool HasSubject(const BudgetScope& scope, const BudgetSubject& subject);

// Whether any dimension of the scope is `text`; all are if it is empty.
bool HasSubjectText(const BudgetScope& scope, const std::string& text);

void FillBudgetUsage(const BudgetRule& rule, const BudgetStanding& standing,
                     llmgateway::v1::BudgetUsage* to);

}  // namespace gateway

#endif  // SERVICE_API_BUDGET_VIEW_H_
