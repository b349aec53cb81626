#include "tests/testing/echo/echo_server.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/net/tls_context.h"
#include "base/os/clock.h"
#include "base/secret.h"
#include "errors/fault.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "service/grpc/grpc_server.h"
#include "service/rpc/rpc_server.h"

namespace gateway {
namespace {

// `Server` is RpcServer or GrpcServer.
template <typename Server>
class ServerOf final : public ServerOfAnEngine {
 public:
  explicit ServerOf(typename Server::Options options) {
    auto server = Server::Start(std::move(options));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  int port() const override { return server_->port(); }
  size_t running_calls() override { return server_->running_calls(); }
  void StartDraining() override { server_->StartDraining(); }
  bool AwaitIdle(absl::Duration timeout) override {
    return server_->AwaitIdle(timeout);
  }
  void Drain(absl::Duration grace) override { server_->Drain(grace); }
  void Shutdown() override { server_->Shutdown(); }

 private:
  std::unique_ptr<Server> server_;
};

RpcServer::Options NativeOptions(const EchoServer::Options& options) {
  RpcServer::Options native;
  native.limits.call.message_bytes = options.message_bytes_limit;
  native.limits.metadata.bytes = options.metadata_bytes_limit;
  if (!options.tls.has_value()) return native;
  const EchoServer::Tls& tls = *options.tls;
  auto context =
      TlsContext::ForServer({.certificate_chain_pem = tls.cert_chain,
                             .private_key_pem = Secret(tls.private_key),
                             .client_ca_pem = tls.client_ca,
                             .alpn = {"h2"}});
  EXPECT_TRUE(context.ok()) << context.status();
  native.tls = *std::move(context);
  return native;
}

GrpcServer::Options CoreOptions(const EchoServer::Options& options) {
  GrpcServer::Options core;
  core.receive_message_bytes_limit =
      static_cast<int64_t>(options.message_bytes_limit);
  core.metadata_bytes_limit =
      static_cast<int64_t>(options.metadata_bytes_limit);
  core.channelz = options.channelz;
  if (!options.tls.has_value()) return core;
  core.tls = GrpcServer::Tls{.cert_chain = options.tls->cert_chain,
                             .private_key = Secret(options.tls->private_key),
                             .client_ca = options.tls->client_ca};
  return core;
}

template <typename Server>
std::unique_ptr<ServerOfAnEngine> Serve(typename Server::Options options,
                                        EchoMethods& methods,
                                        std::vector<EventLoop*> loops) {
  options.address = "127.0.0.1:0";
  options.table = &methods.table();
  options.loops = std::move(loops);
  options.health = &methods.health();
  return std::make_unique<ServerOf<Server>>(std::move(options));
}

}  // namespace

std::string NameOf(Engine engine) {
  return engine == Engine::kNative ? "Native" : "GrpcCore";
}

EchoServer::EchoServer(const Options& options) {
  const std::vector<EventLoop*> loops = {&first_.loop(), &second_.loop()};
  server_ = options.engine == Engine::kNative
                ? Serve<RpcServer>(NativeOptions(options), *this, loops)
                : Serve<GrpcServer>(CoreOptions(options), *this, loops);
  health().StartServing();
}

EchoServer::~EchoServer() = default;

std::string EchoServer::address() const {
  return absl::StrCat("127.0.0.1:", server_->port());
}

std::shared_ptr<grpc::Channel> EchoServer::NewChannel(
    grpc::ChannelArguments arguments) const {
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(
      address(), grpc::InsecureChannelCredentials(), arguments);
}

std::chrono::system_clock::time_point After(absl::Duration delay) {
  return absl::ToChronoTime(SystemClock().WallTime() + delay);
}

std::unique_ptr<grpc::ClientContext> NewContext() {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(After(absl::Seconds(30)));
  return context;
}

absl::Status Received(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status rpc;
  if (status.error_details().empty()) {
    rpc.set_code(status.error_code());
    rpc.set_message(status.error_message());
  } else {
    EXPECT_TRUE(rpc.ParseFromString(status.error_details()));
    EXPECT_EQ(rpc.code(), status.error_code());
    EXPECT_EQ(rpc.message(), status.error_message());
  }
  return FromRpcStatus(rpc);
}

std::string Trailer(const grpc::ClientContext& context,
                    std::string_view name) {
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find(grpc::string_ref(name.data(), name.size()));
  if (found == trailers.end()) return std::string();
  return std::string(found->second.data(), found->second.size());
}

}  // namespace gateway
