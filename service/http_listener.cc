#include "service/http_listener.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/net/connection_quota.h"
#include "base/status_macros.h"
#include "proto/proto_time.h"
#include "service/http/cors.h"
#include "service/listener_tls.h"
#include "service/process_limits.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

HttpServerLimits LimitsOf(const configv1::HttpListener& listener) {
  HttpServerLimits limits;
  limits.head_bytes = listener.header_bytes_limit();
  limits.body_bytes = listener.body_bytes_limit();
  limits.head_timeout = ToAbsl(listener.header_timeout());
  limits.body_timeout = ToAbsl(listener.body_stall_timeout());
  limits.body_time_max = ToAbsl(listener.body_timeout());
  limits.idle_timeout = ToAbsl(listener.idle_timeout());
  limits.write_timeout = ToAbsl(listener.write_stall_timeout());
  limits.connections = listener.connections_limit();
  limits.concurrent_streams = listener.concurrent_streams_limit();
  return limits;
}

// Returns null if no page of another origin may call.
std::shared_ptr<const CorsRules> CorsOf(
    const configv1::HttpListener& listener) {
  if (!listener.has_cors()) return nullptr;
  return std::make_shared<const CorsRules>(listener.cors());
}

}  // namespace

absl::StatusOr<LoopRuntime::HttpListener> MakeHttpListener(
    const ConfigSnapshot& config, const char* name,
    const configv1::HttpListener& configured,
    std::optional<ListenAddress>* address, RefusalLog* refusals) {
  absl::StatusOr<ListenAddress> bound = BindAddress(configured.address());
  if (!bound.ok()) return AtListener(name, bound.status());
  address->emplace(*std::move(bound));
  LoopRuntime::HttpListener listener;
  listener.name = name;
  listener.address = &**address;
  listener.limits = LimitsOf(configured);
  listener.cors = CorsOf(configured);
  listener.refusals = refusals;
  GATEWAY_ASSIGN_OR_RETURN(listener.tls,
                           ListenerTls(config, name, {"h2", "http/1.1"}));
  return listener;
}

void KeepForOperators(size_t descriptors, LoopRuntime::HttpListener* listener) {
  listener->limits.connections =
      std::min(listener->limits.connections,
               ConnectionQuota::OperatorsShareOf(descriptors));
  listener->outlives_drain = true;
}

absl::StatusOr<std::shared_ptr<const LoopRuntime::Changes>> ChangesOfLoops(
    const ConfigSnapshot& next) {
  auto changes = std::make_shared<LoopRuntime::Changes>();
  for (const char* name : {"http", "operations", "admin_http"}) {
    GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<TlsContext> tls,
                             ListenerTls(next, name, {"h2", "http/1.1"}));
    if (tls != nullptr) changes->tls[name] = std::move(tls);
  }
  changes->request_bytes_limit = RequestBytesLimit(next.config());
  changes->answer_bytes_limit =
      static_cast<size_t>(next.config().runtime().answer_buffer_bytes_limit());
  return changes;
}

}  // namespace gateway
