#include "tests/testing/engine.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "service/grpc/grpc_server.h"

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

template <typename Server>
absl::StatusOr<std::unique_ptr<Engine>> Start(const Engine::Options& options) {
  typename Server::Options started;
  started.address = absl::StrCat("127.0.0.1:", options.port);
  started.table = options.table;
  started.loops = options.loops;
  started.health = options.health;
  if (options.tls.has_value()) {
    started.tls.emplace(
        typename Server::Tls{.cert_chain = options.tls->cert_chain,
                             .private_key = Secret(options.tls->private_key)});
  }
  GATEWAY_ASSIGN_OR_RETURN(auto server, Server::Start(std::move(started)));
  return std::make_unique<Running<Server>>(std::move(server));
}

constexpr std::pair<std::string_view, StartFunction> kEngines[] = {
    {"grpc_core", Start<GrpcServer>},
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
