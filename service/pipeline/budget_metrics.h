// The metrics of budgets, read when metrics are read; none while the
// configuration has none:
//
//   llmgw_budget_refusals_total{budget,mode}  calls that did not fit; mode:
//                                             enforce, warn
//   llmgw_budget_scopes{budget}               of which something is known
//   llmgw_budget_filled_ratio{budget}         of the fullest of them: what is
//                                             spent and reserved, of its limit
//   llmgw_budget_spent_usd{budget}            in the present windows, of all
//   llmgw_budget_spent_tokens{budget}         scopes together
//   llmgw_budget_reserved_tokens{budget}      by calls under way
//   llmgw_budget_scope_overflows_total        scopes that had to share a place
//
// And, of budgets that replicas share:
//
//   llmgw_budget_sharing_away                 1 while they are counted by this
//                                             replica's share
//   llmgw_budget_sharing_age_seconds          since Redis has answered last
//   llmgw_budget_sharing_exchanges_total      that it has answered
//   llmgw_budget_sharing_failures_total       that it has not
//   llmgw_budget_sharing_waits_total          calls that waited for one
//   llmgw_budget_sharing_replicas             that have told something lately
//   llmgw_budget_sharing_unplaced_total       scopes of others that there was
//   no
//                                             place for
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_BUDGET_METRICS_H_
#define SERVICE_PIPELINE_BUDGET_METRICS_H_

#include "service/budgets/budget_sharer.h"
#include "service/budgets/budget_table.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current`, which must live as long as `registry` is read.
void AddBudgetMetrics(const CurrentRuntime& current, MetricRegistry& registry);

// Adds those of sharing, which are there while `table` is shared. Borrows both,
// likewise.
void AddBudgetSharingMetrics(const BudgetTable& table,
                             const BudgetSharer& sharer,
                             MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_BUDGET_METRICS_H_
