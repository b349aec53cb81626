#include "service/observability/compatible_metrics.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "service/observability/call_words.h"
#include "service/observability/charged_cost.h"
#include "service/observability/consumed_usage.h"

namespace gateway {
namespace {

constexpr double kRequestBounds[] = {.005, .01, .025, .05, .1, .25,
                                     .5,   1,   2.5,  5,   10};
constexpr double kCostBounds[] = {.0001, .001, .005, .01, .05, .1, .5, 1, 5};
constexpr double kLatencyBounds[] = {.1, .25, .5, 1, 2.5, 5, 10, 30, 60};

constexpr std::string_view kChain = "default";

constexpr std::string_view kPathStatusLabels[] = {"method", "path", "status"};
constexpr std::string_view kPathLabels[] = {"method", "path"};
constexpr std::string_view kPricedLabels[] = {"provider", "model"};
constexpr std::string_view kLatencyLabels[] = {"provider"};
constexpr std::string_view kChainLabels[] = {"chain_name", "backend_name",
                                             "operation"};
constexpr std::string_view kChainSuccessLabels[] = {"chain_name",
                                                    "backend_name"};

constexpr MetricDefinition kCompatibleRequests = {
    .name = "llm_gateway_requests_total",
    .help = "Calls that ended, by path and HTTP status.",
    .kind = MetricKind::kCounter,
    .label_names = kPathStatusLabels};
constexpr MetricDefinition kCompatibleDuration = {
    .name = "llm_gateway_request_duration_seconds",
    .help = "Time from the arrival of a call to the end of its answer.",
    .kind = MetricKind::kHistogram,
    .label_names = kPathLabels,
    .bounds = kRequestBounds};
constexpr MetricDefinition kCompatibleCost = {
    .name = "llm_gateway_request_cost_dollars",
    .help = "What calls were charged whose model has a price, in US dollars.",
    .kind = MetricKind::kHistogram,
    .label_names = kPricedLabels,
    .bounds = kCostBounds};
constexpr MetricDefinition kCompatibleLatency = {
    .name = "llm_gateway_provider_latency_seconds",
    .help = "Time that requests to providers took, whole answers included.",
    .kind = MetricKind::kHistogram,
    .label_names = kLatencyLabels,
    .bounds = kLatencyBounds};
constexpr MetricDefinition kChainAttempts = {
    .name = "llm_gateway_fallback_chain_attempts_total",
    .help = "Times that calls went on to another target.",
    .kind = MetricKind::kCounter,
    .label_names = kChainLabels};
constexpr MetricDefinition kChainSuccesses = {
    .name = "llm_gateway_fallback_chain_successes_total",
    .help = "Times that another target answered.",
    .kind = MetricKind::kCounter,
    .label_names = kChainSuccessLabels};

// The HTTP status that stands for how a call ended which came by gRPC.
int HttpStatusOfCall(const CallRecord& record) {
  if (record.http_status != 0) return record.http_status;
  return HttpStatusOf(record.status_code);
}

// What a metric of another name says already: each of its metrics, with other
// labels, added up where those are the same.
struct Alias {
  // A label, and what its value is made of: a label of the other metric, or two
  // with a slash between them, or, of neither, this text.
  struct Label {
    std::string_view name;
    std::string_view from;
    std::string_view and_from;
    std::string_view text;
  };

  std::string_view name;
  std::string_view of;
  std::vector<Label> labels;
  // Values that have another name, too.
  std::map<std::string, std::string> renamed;
};

const std::vector<Alias>& Aliases() {
  static const auto* const aliases = new std::vector<Alias>{
      {.name = "llm_gateway_cache_operations_total",
       .of = "llmgw_cache_total",
       .labels = {{.name = "result", .from = "result"}}},
      {.name = "llm_gateway_circuit_breaker_state",
       .of = "circuit_breaker_state",
       .labels = {{.name = "circuit_name",
                   .from = "provider",
                   .and_from = "model"}}},
      {.name = "llm_gateway_provider_errors_total",
       .of = "llm_errors_total",
       .labels = {{.name = "provider", .from = "provider"},
                  {.name = "error_type", .from = "type"}}},
      {.name = "llm_gateway_provider_requests_total",
       .of = "llmgw_attempts_total",
       .labels = {{.name = "provider", .from = "provider"}}},
      {.name = "llm_gateway_requests_in_progress",
       .of = "llmgw_inflight_requests",
       .labels = {{.name = "method", .text = "POST"}}},
      {.name = "llm_gateway_tokens_total",
       .of = "llm_tokens_total",
       .labels = {{.name = "provider", .from = "provider"},
                  {.name = "model", .from = "model"},
                  {.name = "type", .from = "type"}},
       .renamed = {{"input", "prompt"}, {"output", "completion"}}}};
  return *aliases;
}

std::string ValueOfLabel(const MetricValue& metric, std::string_view name) {
  for (const auto& [label, value] : metric.labels) {
    if (label == name) return value;
  }
  return {};
}

std::string AliasValueOf(const Alias& alias, const Alias::Label& label,
                         const MetricValue& metric) {
  if (label.from.empty()) return std::string(label.text);
  std::string value = ValueOfLabel(metric, label.from);
  if (!label.and_from.empty()) {
    absl::StrAppend(&value, "/", ValueOfLabel(metric, label.and_from));
  }
  const auto renamed = alias.renamed.find(value);
  return renamed == alias.renamed.end() ? value : renamed->second;
}

MetricFamilyValue FamilyOf(const Alias& alias, const MetricFamilyValue& of) {
  using Labels = std::vector<std::pair<std::string, std::string>>;
  std::map<Labels, double> sums;
  for (const MetricValue& metric : of.metrics) {
    Labels labels;
    for (const Alias::Label& label : alias.labels) {
      labels.emplace_back(label.name, AliasValueOf(alias, label, metric));
    }
    sums[std::move(labels)] += of.Counted(metric.number);
  }
  MetricFamilyValue family = {.name = std::string(alias.name),
                              .help = of.help,
                              .kind = of.kind,
                              .per_unit = of.per_unit};
  for (const auto& [labels, sum] : sums) {
    family.metrics.push_back({.labels = labels, .number = of.Shown(sum)});
  }
  return family;
}

}  // namespace

void CompatibleMetricsShard::Count(const CallRecord& record,
                                   std::string_view provider,
                                   std::string_view model) {
  // `POST /v1/messages`, or `llmgateway.v1.GatewayService/Generate`.
  const size_t space = record.operation.find(' ');
  const std::string path =
      space == std::string_view::npos
          ? absl::StrCat("/", ToAbsl(record.operation))
          : std::string(record.operation.substr(space + 1));
  shard_
      .CounterOf(
          kCompatibleRequests,
          {record.method, path, std::to_string(HttpStatusOfCall(record))})
      .Add(1);
  shard_.HistogramOf(kCompatibleDuration, {record.method, path})
      .Observe(absl::ToDoubleSeconds(record.duration));
  const std::optional<int64_t> charged = ChargedNanos(ConsumedUsage(record));
  if (record.answer_of.empty() && charged.has_value()) {
    constexpr double kNanosPerUsd = 1e9;
    shard_.HistogramOf(kCompatibleCost, {provider, model})
        .Observe(static_cast<double>(*charged) / kNanosPerUsd);
  }
  CountAttempts(record);
}

void CompatibleMetricsShard::CountAttempts(const CallRecord& record) {
  for (const CallAttempt* const attempt : record.attempts) {
    if (attempt->replaced) continue;
    shard_.HistogramOf(kCompatibleLatency, {attempt->provider})
        .Observe(absl::ToDoubleSeconds(attempt->duration));
    if (attempt->kind != llmgateway::v1::Attempt::KIND_FALLBACK) continue;
    shard_
        .CounterOf(kChainAttempts,
                   {kChain, attempt->provider, record.operation})
        .Add(1);
    if (!attempt->answered) continue;
    shard_.CounterOf(kChainSuccesses, {kChain, attempt->provider}).Add(1);
  }
}

void AddCompatibleNames(MetricRegistry& registry) {
  registry.AddDerived([](const MetricsSnapshot& snapshot) {
    std::vector<MetricFamilyValue> families;
    for (const Alias& alias : Aliases()) {
      for (const MetricFamilyValue& family : snapshot.families) {
        if (family.name != alias.of) continue;
        families.push_back(FamilyOf(alias, family));
      }
    }
    return families;
  });
}

}  // namespace gateway
