#include "service/call_figures.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "service/config/config_reader.h"
#include "service/observability/compatible_metrics.h"
#include "service/pipeline/summary_record.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::MetricsConfig;

// In `runtime.state_dir`.
constexpr char kSummaryFile[] = "summary.db";

size_t Limit(int32_t number) { return static_cast<size_t>(number); }

}  // namespace

std::unique_ptr<CallMetrics> MakeCallMetrics(const MetricsConfig& config,
                                             MetricRegistry& registry) {
  if (config.compatible_names()) AddCompatibleNames(registry);
  return std::make_unique<CallMetrics>(
      registry, CallMetrics::Options{
                    .model_labels_limit = Limit(config.model_labels_limit()),
                    .caller_labels_limit = Limit(config.caller_labels_limit()),
                    .exemplars = config.exemplars(),
                    .compatible_names = config.compatible_names()});
}

std::unique_ptr<CallSummary> OpenCallSummary(
    const GatewayConfig& config, const std::string& config_file,
    MetricRegistry& registry) {
  const MetricsConfig& metrics = config.metrics();
  CallSummary::Options options = {
      .history_hours = metrics.history_hours(),
      .limits = {.agents = Limit(metrics.agent_labels_limit()),
                 .models = Limit(metrics.model_labels_limit()),
                 .projects = Limit(metrics.project_labels_limit()),
                 .callers = Limit(metrics.caller_labels_limit()),
                 .groups = Limit(metrics.groups_limit())},
      .recent = {.calls_limit = Limit(metrics.recent_requests_limit())}};
  const std::string& state_dir = config.runtime().state_dir();
  if (!state_dir.empty()) {
    options.file =
        absl::StrCat(PathBeside(config_file, state_dir), "/", kSummaryFile);
  }
  std::unique_ptr<CallSummary> opened =
      CallSummary::Open(options, SystemClock());
  AddSummaryMetrics(*opened, registry);
  return opened;
}

}  // namespace gateway
