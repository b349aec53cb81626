// Writes metrics as Prometheus reads them.
//
//   response.body = MetricsText(registry.Read());
//   response.content_type = kMetricsTextContentType;
//
// Thread-safe: a plain function.

#ifndef SERVICE_OBSERVABILITY_METRICS_TEXT_H_
#define SERVICE_OBSERVABILITY_METRICS_TEXT_H_

#include <string>
#include <string_view>

#include "service/observability/metrics.h"

namespace gateway {

inline constexpr std::string_view kMetricsTextContentType =
    "text/plain; version=0.0.4; charset=utf-8";

std::string MetricsText(const MetricsSnapshot& snapshot);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_METRICS_TEXT_H_
