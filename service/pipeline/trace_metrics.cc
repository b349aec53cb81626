#include "service/pipeline/trace_metrics.h"

#include <string_view>

namespace gateway {
namespace {

constexpr std::string_view kDropReasonLabels[] = {"reason"};
constexpr MetricDefinition kSpansExported = {
    .name = "llmgw_spans_exported_total",
    .help = "Spans that the collector has taken."};
constexpr MetricDefinition kSpansDropped = {
    .name = "llmgw_spans_dropped_total",
    .help =
        "Spans that were dropped: the queue was full, or the collector "
        "refused them.",
    .label_names = kDropReasonLabels};
constexpr MetricDefinition kSpansWaiting = {
    .name = "llmgw_spans_waiting",
    .help = "Spans that wait to be exported.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kExportsFailed = {
    .name = "llmgw_span_exports_failed_total",
    .help = "Exports of spans that failed; those that may be are tried again."};
constexpr MetricDefinition kTracesKept = {
    .name = "llmgw_traces_kept",
    .help = "Traces that operators can look at.",
    .kind = MetricKind::kGauge};
constexpr MetricDefinition kTracesKeptBytes = {
    .name = "llmgw_traces_kept_bytes",
    .help = "What those traces take in memory.",
    .kind = MetricKind::kGauge};

}  // namespace

void AddTraceMetrics(Tracer& tracer, const SpanExporter* exporter,
                     MetricRegistry& registry) {
  registry.AddCollector([&tracer, exporter](MetricRegistry::Values& values) {
    const TraceStore::Size kept = tracer.store().size();
    values.Add(kTracesKept, {}, static_cast<double>(kept.traces));
    values.Add(kTracesKeptBytes, {}, static_cast<double>(kept.bytes));
    if (exporter == nullptr) return;
    values.Add(kSpansExported, {}, static_cast<double>(exporter->exported()));
    values.Add(kSpansDropped, {"queue_full"},
               static_cast<double>(tracer.queue().dropped()));
    values.Add(kSpansDropped, {"refused"},
               static_cast<double>(exporter->refused()));
    values.Add(kSpansWaiting, {},
               static_cast<double>(tracer.queue().waiting()));
    values.Add(kExportsFailed, {}, static_cast<double>(exporter->failures()));
  });
}

}  // namespace gateway
