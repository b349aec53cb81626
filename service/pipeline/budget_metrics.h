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
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_BUDGET_METRICS_H_
#define SERVICE_PIPELINE_BUDGET_METRICS_H_

#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current`, which must live as long as `registry` is read.
void AddBudgetMetrics(const CurrentRuntime& current, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_BUDGET_METRICS_H_
