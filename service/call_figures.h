// What calls are counted by, as the configuration has it: metrics, and the sums
// of what they consumed.
//
//   const std::unique_ptr<CallMetrics> metrics =
//       MakeCallMetrics(config.metrics(), registry);
//   std::unique_ptr<CallSummary> summary =
//       OpenCallSummary(config, config_file, registry);
//
// Thread-safe: plain functions.

#ifndef SERVICE_CALL_FIGURES_H_
#define SERVICE_CALL_FIGURES_H_

#include <memory>
#include <string>

#include "llmgateway/config/v1/config.pb.h"
#include "service/observability/call_metrics.h"
#include "service/observability/metrics.h"
#include "service/summary/call_summary.h"

namespace gateway {

// Borrows `registry`, as the next one does.
std::unique_ptr<CallMetrics> MakeCallMetrics(
    const llmgateway::config::v1::MetricsConfig& config,
    MetricRegistry& registry);

// With the sums of before, where there is a `runtime.state_dir`. `config_file`
// is the configuration file's path. Blocks.
std::unique_ptr<CallSummary> OpenCallSummary(
    const llmgateway::config::v1::GatewayConfig& config,
    const std::string& config_file, MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_CALL_FIGURES_H_
