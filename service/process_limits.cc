#include "service/process_limits.h"

#include <algorithm>
#include <cstdint>

#include "base/net/connection_quota.h"

namespace gateway {

namespace configv1 = ::llmgateway::config::v1;

size_t DescriptorsBesideAdminHttp(const configv1::GatewayConfig& config,
                                  size_t descriptors) {
  if (!config.listeners().has_admin_http()) return descriptors;
  return descriptors - ConnectionQuota::OperatorsShareOf(descriptors);
}

size_t RequestBytesLimit(const configv1::GatewayConfig& config) {
  // Twice the limit: a message of the largest size finds room on a loop that
  // has nothing else.
  const configv1::Listeners& listeners = config.listeners();
  const int64_t messages =
      std::max(listeners.grpc().receive_message_bytes_limit(),
               listeners.admin().receive_message_bytes_limit());
  return static_cast<size_t>(
      std::max(config.runtime().request_buffer_bytes_limit(), 2 * messages));
}

}  // namespace gateway
