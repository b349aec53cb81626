#include "service/observability/upstream_metrics.h"

#include <string_view>

namespace gateway {
namespace {

constexpr std::string_view kLabels[] = {"state"};

constexpr MetricDefinition kConnections = {
    .name = "llmgw_upstream_connections",
    .help = "Connections to providers, by whether they are for a call.",
    .kind = MetricKind::kGauge,
    .label_names = kLabels};

constexpr MetricDefinition kStreams = {
    .name = "llmgw_upstream_http2_streams",
    .help = "Calls that are under way on HTTP/2 connections to providers.",
    .kind = MetricKind::kGauge};

}  // namespace

void AddUpstreamMetrics(std::shared_ptr<const HttpClientStats> stats,
                        MetricRegistry& registry) {
  registry.AddSource(kConnections, {"active"},
                     [stats] { return static_cast<double>(stats->active); });
  registry.AddSource(kConnections, {"idle"},
                     [stats] { return static_cast<double>(stats->idle); });
  registry.AddSource(kStreams, {},
                     [stats] { return static_cast<double>(stats->streams); });
}

}  // namespace gateway
