// The metrics of tracing, read when metrics are read:
//
//   llmgw_spans_exported_total    spans that the collector has taken
//   llmgw_spans_dropped_total{reason}
//                                 `queue_full`, or `refused` by the collector
//   llmgw_spans_waiting           spans that wait to be exported
//   llmgw_span_exports_failed_total
//                                 exports that failed, and may have been tried
//                                 again
//   llmgw_traces_kept             traces that operators can look at
//   llmgw_traces_kept_bytes       and what they take in memory
//
//   AddTraceMetrics(tracer, exporter, registry);
//
// Thread-safe: a plain function.

#ifndef SERVICE_PIPELINE_TRACE_METRICS_H_
#define SERVICE_PIPELINE_TRACE_METRICS_H_

#include "service/observability/metrics.h"
#include "service/tracing/span_exporter.h"
#include "service/tracing/tracer.h"

namespace gateway {

// Borrows all, as long as `registry` is read. `exporter` is null if spans go
// nowhere.
void AddTraceMetrics(Tracer& tracer, const SpanExporter* exporter,
                     MetricRegistry& registry);

}  // namespace gateway

#endif  // SERVICE_PIPELINE_TRACE_METRICS_H_
