// Writes metrics as OpenMetrics 1.0 has them, with the calls that are known of
// the buckets of histograms, for scrapers that ask for that.
//
//   if (AcceptsOpenMetrics(request.Find("accept"))) {
//     response.body = OpenMetricsText(registry.Read());
//     response.content_type = kOpenMetricsContentType;
//   }
//
// Names are those of the other format (metrics_text.h). A counter whose name
// does not end in `_total`, as that format wants it, is told as a metric of an
// unknown type, so that its name stays; and bounds of buckets are written as it
// wants them, `1.0` for 1.
//
// Thread-safe: plain functions.

#ifndef SERVICE_OBSERVABILITY_OPEN_METRICS_TEXT_H_
#define SERVICE_OBSERVABILITY_OPEN_METRICS_TEXT_H_

#include <string>
#include <string_view>

#include "service/observability/metrics.h"

namespace gateway {

inline constexpr std::string_view kOpenMetricsContentType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

// Whether a scraper's `accept` names the format, and not only by a wildcard.
bool AcceptsOpenMetrics(std::string_view accept);

std::string OpenMetricsText(const MetricsSnapshot& snapshot);

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_OPEN_METRICS_TEXT_H_
