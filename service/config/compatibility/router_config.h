// A `router_config` as a GatewayConfig: one provider for all calls, others for
// calls with tags, one circuit breaker's profile and one way of retrying. What
// becomes of each field is told in docs/compatible_configurations.md.
//
//   TranslateRouterConfig(file, "router_config", &translation);
//   config.resilience().circuit_breaker().consecutive_failures();  // 3
//
// Thread-safe.

#ifndef SERVICE_CONFIG_COMPATIBILITY_ROUTER_CONFIG_H_
#define SERVICE_CONFIG_COMPATIBILITY_ROUTER_CONFIG_H_

#include <string_view>

#include "service/config/compatibility/foreign_files.pb.h"
#include "service/config/compatibility/translation.h"

namespace gateway {

// `section` is where the file has it; empty if it is the whole file.
void TranslateRouterConfig(const llmgateway::compatibility::RouterConfig& file,
                           std::string_view section, Translation* translation);

}  // namespace gateway

#endif  // SERVICE_CONFIG_COMPATIBILITY_ROUTER_CONFIG_H_
