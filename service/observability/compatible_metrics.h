// CompatibleMetrics tells calls also under the names that an earlier gateway
// had for them, so that its dashboards go on working:
//
//   llm_gateway_requests_total{method,path,status}
//   llm_gateway_request_duration_seconds{method,path}
//   llm_gateway_requests_in_progress{method}
//   llm_gateway_tokens_total{provider,model,type}      prompt, completion
//   llm_gateway_cache_operations_total{result}         hit, miss, bypass
//   llm_gateway_request_cost_dollars{provider,model}
//   llm_gateway_provider_requests_total{provider}      attempts
//   llm_gateway_provider_errors_total{provider,error_type}
//   llm_gateway_provider_latency_seconds{provider}
//   llm_gateway_circuit_breaker_state{circuit_name}    0, 1 half-open, 2 open
//   llm_gateway_fallback_chain_attempts_total{chain_name,backend_name,
//                                             operation}
//   llm_gateway_fallback_chain_successes_total{chain_name,backend_name}
//
// `path` is from a closed list, without what is particular to one request.
// `chain_name` is `default`, a circuit's name `provider/model`.
//
//   AddCompatibleNames(registry);
//   CompatibleMetricsShard compatible(metric_shard);  // One for each event
//   loop. compatible.Count(record, provider, model);
//
// What other metrics say already is taken from there when it is read. To count
// a call costs some microseconds: it is for those who need it.
//
// Thread-compatible; the function is thread-safe.

#ifndef SERVICE_OBSERVABILITY_COMPATIBLE_METRICS_H_
#define SERVICE_OBSERVABILITY_COMPATIBLE_METRICS_H_

#include <string_view>

#include "service/observability/call_record.h"
#include "service/observability/metrics.h"

namespace gateway {

class CompatibleMetricsShard {
 public:
  // Borrows `shard`.
  explicit CompatibleMetricsShard(MetricShard& shard) : shard_(shard) {}

  // `provider` and `model` are the labels that the call is counted under.
  void Count(const CallRecord& record, std::string_view provider,
             std::string_view model);

 private:
  void CountAttempts(const CallRecord& record);

  MetricShard& shard_;
};

void AddCompatibleNames(MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_COMPATIBLE_METRICS_H_
