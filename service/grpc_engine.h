// GrpcEngine serves the methods of one gRPC listener, by whichever engine its
// configuration names.
//
//   GATEWAY_ASSIGN_OR_RETURN(
//       graph.grpc, StartGrpcEngine({.config = *graph.config,
//                                    .name = "grpc",
//                                    .listener = listeners.grpc(),
//                                    .table = graph.table,
//                                    .health = graph.health,
//                                    .loops = loops}));
//   ...
//   graph.grpc->Drain(grace);
//
// Thread contract: one thread that is none of the loops, which run until Drain
// has returned.

#ifndef SERVICE_GRPC_ENGINE_H_
#define SERVICE_GRPC_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/net/connection_quota.h"
#include "llmgateway/config/v1/server.pb.h"
#include "service/api/health.h"
#include "service/api/method_table.h"
#include "service/config/snapshot.h"
#include "service/observability/metrics.h"
#include "service/observability/refusal_log.h"

namespace gateway {

class GrpcEngine {
 public:
  // Shuts down.
  virtual ~GrpcEngine() = default;

  // The port that it listens on.
  virtual int port() const = 0;

  // Reads the certificates of another configuration, which has TLS where the
  // first had it, and returns what puts them into use for the connections to
  // come. Errors name the listener.
  virtual absl::StatusOr<std::function<void()>> PrepareTls(
      const ConfigSnapshot& config) = 0;

  // Reports NOT_SERVING. The native engine stops listening, tells its
  // connections to go elsewhere and serves what is on its way meanwhile; the
  // gRPC C++ engine refuses new calls with reason DRAINING. Calls under way
  // go on.
  virtual void StartDraining() = 0;

  // Gives calls under way until `grace` to finish, cancels the rest and shuts
  // down.
  virtual void Drain(absl::Duration grace) = 0;
};

struct GrpcEngineOptions {
  const ConfigSnapshot& config;
  std::string_view name;  // The listener's, as in `listeners.<name>`.
  const llmgateway::config::v1::GrpcListener& listener;
  const MethodTable& table;
  HealthService& health;
  std::vector<EventLoop*> loops;
  // Counts connections of the native engine; may be null.
  MetricRegistry* metrics = nullptr;
  // The quota that connections of the native engine take places in; may be
  // null.
  ConnectionQuota* callers = nullptr;
  // The most connections on each loop, whatever the listener's
  // connections_limit says. Native engine only.
  size_t connections_max = SIZE_MAX;
  // Where the gRPC C++ engine records calls of methods that do not exist; may
  // be null. The native one counts them in `metrics`.
  RefusalLog* refusals = nullptr;
  // What the native engine logs of texts that callers have made up; called on
  // any of the loops, and may be null.
  std::function<std::string(std::string_view text)> without_keys;
  // With the gRPC C++ engine: also serve grpc.channelz.v1. It must then be the
  // last server that this engine starts.
  bool channelz = false;
};

// Starts the engine. What the options refer to must outlive it.
absl::StatusOr<std::unique_ptr<GrpcEngine>> StartGrpcEngine(
    const GrpcEngineOptions& options);

// Returns where the engine listens: `address`, which is configured, with the
// port that was chosen.
std::string ListenAddressOf(const GrpcEngine& engine,
                            const std::string& address);

}  // namespace gateway

#endif  // SERVICE_GRPC_ENGINE_H_
