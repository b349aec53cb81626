#include "service/grpc_engine.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/net/tls_context.h"
#include "base/status_macros.h"
#include "proto/proto_time.h"
#include "service/grpc/grpc_server.h"
#include "service/listener_tls.h"
#include "service/rpc/rpc_server.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GrpcListener;

// Room for the protocol's own fields, beside the caller's metadata.
constexpr int64_t kProtocolFieldsBytes = 4 * 1024;

std::optional<GrpcServer::Tls> CoreTls(const ConfigSnapshot& config,
                                       std::string_view listener) {
  const ConfigSnapshot::Tls* const tls = config.FindTls(listener);
  if (tls == nullptr) return std::nullopt;
  GrpcServer::Tls grpc{.cert_chain = std::string(tls->cert_chain.Reveal()),
                       .private_key = tls->private_key,
                       .client_ca = ""};
  if (tls->client_ca.has_value()) grpc.client_ca = tls->client_ca->Reveal();
  return grpc;
}

absl::StatusOr<std::function<void()>> PrepareTlsOf(RpcServer& server,
                                                   const ConfigSnapshot& config,
                                                   std::string_view name) {
  GATEWAY_ASSIGN_OR_RETURN(std::shared_ptr<TlsContext> tls,
                           ListenerTls(config, name, {"h2"}));
  return [&server, tls = std::move(tls)] {
    if (tls != nullptr) server.SetTls(tls);
  };
}

absl::StatusOr<std::function<void()>> PrepareTlsOf(GrpcServer& server,
                                                   const ConfigSnapshot& config,
                                                   std::string_view name) {
  return [&server, tls = CoreTls(config, name)] {
    if (tls.has_value()) server.SetTls(*tls);
  };
}

// Wraps RpcServer or GrpcServer.
template <typename Server>
class EngineOf final : public GrpcEngine {
 public:
  EngineOf(std::unique_ptr<Server> server, std::string_view name)
      : server_(std::move(server)), name_(name) {}

  int port() const override { return server_->port(); }
  absl::StatusOr<std::function<void()>> PrepareTls(
      const ConfigSnapshot& config) override {
    return PrepareTlsOf(*server_, config, name_);
  }
  void StartDraining() override { server_->StartDraining(); }
  void Drain(absl::Duration grace) override { server_->Drain(grace); }

 private:
  const std::unique_ptr<Server> server_;
  const std::string name_;
};

template <typename Server>
absl::StatusOr<std::unique_ptr<GrpcEngine>> Start(
    typename Server::Options options, std::string_view name) {
  GATEWAY_ASSIGN_OR_RETURN(auto server, Server::Start(std::move(options)));
  return std::make_unique<EngineOf<Server>>(std::move(server), name);
}

absl::Duration OrForever(bool is_set, const google::protobuf::Duration& time) {
  return is_set ? ToAbsl(time) : absl::InfiniteDuration();
}

RpcLimits NativeLimits(const GrpcListener& listener) {
  RpcLimits limits;
  limits.http2.concurrent_streams = listener.concurrent_streams_limit();
  limits.http2.stream_window_bytes = listener.stream_window_bytes_limit();
  limits.http2.header_list_bytes =
      listener.metadata_bytes_limit() + kProtocolFieldsBytes;
  limits.http2.handshake_timeout = ToAbsl(listener.handshake_timeout());
  limits.http2.write_stall_timeout = ToAbsl(listener.write_stall_timeout());
  limits.call.answer_timeout = ToAbsl(listener.write_stall_timeout());
  limits.http2.keepalive_time = ToAbsl(listener.keepalive_time());
  limits.http2.keepalive_timeout = ToAbsl(listener.keepalive_timeout());
  limits.http2.idle_timeout = OrForever(listener.has_connection_idle_limit(),
                                        listener.connection_idle_limit());
  limits.http2.age_max = OrForever(listener.has_connection_age_limit(),
                                   listener.connection_age_limit());
  limits.http2.age_grace = OrForever(listener.has_connection_age_grace(),
                                     listener.connection_age_grace());
  limits.metadata.bytes = listener.metadata_bytes_limit();
  limits.call.message_bytes = listener.receive_message_bytes_limit();
  limits.call.request_timeout = ToAbsl(listener.request_timeout());
  limits.connections = listener.connections_limit();
  limits.request_buffer_bytes = listener.request_buffer_bytes_limit();
  return limits;
}

absl::StatusOr<std::unique_ptr<GrpcEngine>> StartNative(
    const GrpcEngineOptions& options) {
  RpcServer::Options native;
  native.address = options.listener.address();
  native.table = &options.table;
  native.health = &options.health;
  native.loops = options.loops;
  native.limits = NativeLimits(options.listener);
  native.limits.connections =
      std::min(native.limits.connections, options.connections_max);
  native.metrics = options.metrics;
  native.callers = options.callers;
  native.name = std::string(options.name);
  native.without_keys = options.without_keys;
  GATEWAY_ASSIGN_OR_RETURN(
      native.tls, ListenerTls(options.config, options.name, {"h2"}));
  return Start<RpcServer>(std::move(native), options.name);
}

absl::StatusOr<std::unique_ptr<GrpcEngine>> StartCore(
    const GrpcEngineOptions& options) {
  const GrpcListener& listener = options.listener;
  GrpcServer::Options core;
  core.address = listener.address();
  core.table = &options.table;
  core.health = &options.health;
  core.refusals = options.refusals;
  core.loops = options.loops;
  core.tls = CoreTls(options.config, options.name);
  core.receive_message_bytes_limit = listener.receive_message_bytes_limit();
  core.metadata_bytes_limit = listener.metadata_bytes_limit();
  core.concurrent_streams_limit = listener.concurrent_streams_limit();
  core.handshake_timeout = ToAbsl(listener.handshake_timeout());
  core.keepalive_time = ToAbsl(listener.keepalive_time());
  core.keepalive_timeout = ToAbsl(listener.keepalive_timeout());
  core.connection_idle_max = OrForever(listener.has_connection_idle_limit(),
                                       listener.connection_idle_limit());
  core.connection_age_max = OrForever(listener.has_connection_age_limit(),
                                      listener.connection_age_limit());
  core.connection_age_grace = OrForever(listener.has_connection_age_grace(),
                                        listener.connection_age_grace());
  core.channelz = options.channelz;
  return Start<GrpcServer>(std::move(core), options.name);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcEngine>> StartGrpcEngine(
    const GrpcEngineOptions& options) {
  auto engine = options.listener.engine() == GrpcListener::ENGINE_GRPC_CORE
                    ? StartCore(options)
                    : StartNative(options);
  if (!engine.ok()) return AtListener(options.name, engine.status());
  return engine;
}

std::string ListenAddressOf(const GrpcEngine& engine,
                            const std::string& address) {
  return absl::StrCat(address.substr(0, address.rfind(':')), ":",
                      engine.port());
}

}  // namespace gateway
