// The metric of TLS handshakes with clients that failed, which listeners of
// every kind count.
//
// Thread-safe: constants.

#ifndef SERVICE_OBSERVABILITY_HANDSHAKE_METRIC_H_
#define SERVICE_OBSERVABILITY_HANDSHAKE_METRIC_H_

#include <string_view>

#include "service/observability/metrics.h"

namespace gateway {

inline constexpr std::string_view kHandshakeFailureLabels[] = {"listener"};

inline constexpr MetricDefinition kHandshakesFailed = {
    .name = "llmgw_tls_handshakes_failed_total",
    .help = "TLS handshakes with clients that failed. gRPC C++ tells of none.",
    .label_names = kHandshakeFailureLabels};

}  // namespace gateway

#endif  // SERVICE_OBSERVABILITY_HANDSHAKE_METRIC_H_
