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
#include <memory>
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

  // Where it listens.
  virtual int port() const = 0;

  // Reports NOT_SERVING and refuses new calls with reason DRAINING. Calls
  // under way go on.
  virtual void StartDraining() = 0;

  // Gives calls under way until `grace` to finish, cancels the rest and shuts
  // down.
  virtual void Drain(absl::Duration grace) = 0;
};

struct GrpcEngineOptions {
  const ConfigSnapshot& config;
  std::string_view name;  // Of the listener, as in `listeners.<name>`.
  const llmgateway::config::v1::GrpcListener& listener;
  const MethodTable& table;
  HealthService& health;
  std::vector<EventLoop*> loops;
  // Of the native engine's connections; may be null.
  MetricRegistry* metrics = nullptr;
  // Which the native engine's connections take places in; may be null.
  ConnectionQuota* callers = nullptr;
  // On each loop, whatever the listener's connections_limit says. Native engine
  // only.
  size_t connections_max = SIZE_MAX;
  // Where the gRPC C++ engine notes calls of methods that there are not; may be
  // null. The native one counts them in `metrics`.
  RefusalLog* refusals = nullptr;
  // With the gRPC C++ engine: serves grpc.channelz.v1 too. It must then be the
  // last server that this engine starts.
  bool channelz = false;
};

// What the options refer to must outlive the engine.
absl::StatusOr<std::unique_ptr<GrpcEngine>> StartGrpcEngine(
    const GrpcEngineOptions& options);

}  // namespace gateway

#endif  // SERVICE_GRPC_ENGINE_H_
