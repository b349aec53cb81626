// What the process, and each of its loops, may hold by its configuration.
//
// Thread-safe: plain functions.

#ifndef SERVICE_PROCESS_LIMITS_H_
#define SERVICE_PROCESS_LIMITS_H_

#include <cstddef>

#include "llmgateway/config/v1/config.pb.h"

namespace gateway {

// What is left of the descriptors when the operators' HTTP paths have theirs,
// where they are served: ConnectionQuota knows of the other listeners.
size_t DescriptorsBesideAdminHttp(
    const llmgateway::config::v1::GatewayConfig& config, size_t descriptors);

// What requests may take on each loop.
size_t RequestBytesLimit(const llmgateway::config::v1::GatewayConfig& config);

}  // namespace gateway

#endif  // SERVICE_PROCESS_LIMITS_H_
