// The metric of how callers and operators have shown who they are, read when
// metrics are read:
//
//   llmgw_authentications_total{of,method,outcome}
//     of       callers, operators
//     method   none, configured_key, issued_key, jwt, certificate
//     outcome  accepted, invalid, expired, disabled, too_many_guesses,
//              unavailable
//
// A wrong key counts as of the method whose form it has. Where nobody need show
// anything, nothing is counted.
//
//   AddAuthenticationMetrics(current_runtime, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_AUTHENTICATION_METRICS_H_
#define SERVICE_PIPELINE_AUTHENTICATION_METRICS_H_

#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// Borrows `current`, which must live as long as `registry` is read.
void AddAuthenticationMetrics(const CurrentRuntime& current,
                              MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_AUTHENTICATION_METRICS_H_
