#include "tests/testing/engine.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/net/tls_context.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/grpc/grpc_server.h"
#include "service/rpc/rpc_server.h"

namespace gateway {
namespace {

using StartFunction =
    absl::StatusOr<std::unique_ptr<Engine>> (*)(const Engine::Options&);

// Any class that listens and drains as GrpcServer does.
template <typename Server>
class Running final : public Engine {
 public:
  explicit Running(std::unique_ptr<Server> server)
      : server_(std::move(server)) {}

  int port() const override { return server_->port(); }
  void Drain(absl::Duration grace) override { server_->Drain(grace); }

 private:
  const std::unique_ptr<Server> server_;
};

absl::Status SetTls(const Engine::Tls& tls, GrpcServer::Options& options) {
  options.tls.emplace(
      GrpcServer::Tls{.cert_chain = tls.cert_chain,
                      .private_key = Secret(tls.private_key)});
  return absl::OkStatus();
}

absl::Status SetTls(const Engine::Tls& tls, RpcServer::Options& options) {
  GATEWAY_ASSIGN_OR_RETURN(
      options.tls,
      TlsContext::ForServer({.certificate_chain_pem = tls.cert_chain,
                             .private_key_pem = Secret(tls.private_key),
                             .alpn = {"h2"}}));
  return absl::OkStatus();
}

template <typename Server>
absl::StatusOr<std::unique_ptr<Engine>> Start(const Engine::Options& options) {
  typename Server::Options started;
  started.address = absl::StrCat("127.0.0.1:", options.port);
  started.table = options.table;
  started.loops = options.loops;
  started.health = options.health;
  if (options.tls.has_value()) {
    GATEWAY_RETURN_IF_ERROR(SetTls(*options.tls, started));
  }
  GATEWAY_ASSIGN_OR_RETURN(auto server, Server::Start(std::move(started)));
  return std::make_unique<Running<Server>>(std::move(server));
}

constexpr std::pair<std::string_view, StartFunction> kEngines[] = {
    {"grpc_core", Start<GrpcServer>},
    {"native", Start<RpcServer>},
};

}  // namespace

std::vector<std::string_view> EngineNames() {
  std::vector<std::string_view> names;
  for (const auto& [name, start] : kEngines) names.push_back(name);
  return names;
}

absl::StatusOr<std::unique_ptr<Engine>> StartEngine(
    std::string_view name, const Engine::Options& options) {
  for (const auto& [known, start] : kEngines) {
    if (name == known) return start(options);
  }
  return absl::NotFoundError(
      absl::StrCat("no engine is called ", ToAbsl(name)));
}

}  // namespace gateway
