// The metrics of what has been learned of targets, read when metrics are read:
//
//   circuit_breaker_state{provider,model}     0 closed, 1 half-open, 2 open,
//                                             3 forced open, 4 metrics only,
//                                             5 off
//   circuit_breaker_failures{provider,model}  a counter: failures by the
//                                             target's own fault
//   llmgw_disabled_models{by}                 operator, failures
//   llmgw_models_disabled_by_failures_total
//   llmgw_ejected_targets                     of all rules together
//   llmgw_ejections_total{reason}
//   llmgw_health_probes_total{provider,outcome}  OK, failed
//   llmgw_provider_probes_failing{provider}   1 while routing prefers others
//   llmgw_retry_budget_refusals_total{purpose}  retry, fallback, hedge
//   llmgw_retry_budget_in_flight, llmgw_retry_budget_limit
//   llmgw_credential_attempts_limit{provider,credential}
//   llmgw_credential_attempts_in_flight{provider,credential}
//
// The last two are of providers with `resilience.adaptive_concurrency`. The
// credential is `none` where the provider has none; beyond the limit of labels
// both are `other`, and what they have is added up.
//
// A target is told of once it has answered, or failed by its own fault, or an
// operator or its failures have disabled it: names that callers make up are not
// among them. Of those only so many have labels of their own, in the order in
// which they were first asked; the rest is `other`, whose state is the one with
// the highest number.
//
//   AddCircuitMetrics(current_runtime, 512, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_CIRCUIT_METRICS_H_
#define SERVICE_PIPELINE_CIRCUIT_METRICS_H_

#include <cstddef>

#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current`, which must live as long as `registry` is read.
void AddCircuitMetrics(const CurrentRuntime& current, size_t labels_limit,
                       MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_CIRCUIT_METRICS_H_
