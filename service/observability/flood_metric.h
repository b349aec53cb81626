// The metric of connections that were closed because their client sent a flood,
// which listeners of every kind count but those with gRPC C++.
//
// Thread-safe: constants.

#ifndef SERVICE_OBSERVABILITY_FLOOD_METRIC_H_
#define SERVICE_OBSERVABILITY_FLOOD_METRIC_H_

#include <string_view>

#include "service/observability/metrics.h"

namespace gateway {

inline constexpr std::string_view kFloodLabels[] = {"listener"};

inline constexpr MetricDefinition kFloods = {
    .name = "llmgw_http2_floods_total",
    .help =
        "Connections that were closed since their client opened and reset "
        "streams, or sent HTTP/2 frames that carry nothing, without end. "
        "gRPC C++ tells of none.",
    .label_names = kFloodLabels};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_FLOOD_METRIC_H_
