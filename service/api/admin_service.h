// The handlers of llmgateway.v1.AdminService: what the gateway is told, what
// it does and why.
//
//   AdminService admin({.runtime = runtime,
//                       .health = health_board,
//                       .metrics = registry,
//                       .readiness = readiness,
//                       .worker = config_worker,
//                       .state = state_store,
//                       .environment = environment,
//                       .version = "1.2.3"});
//   admin.AddTo(table);
//
// Where keys are asked for, they are asked for here too. The service answers
// while the server drains, and does not hold that up.
//
// Thread-safe once added; handlers run on the loops of their calls, except that
// configurations are checked on the worker, since that opens files.

#ifndef SERVICE_API_ADMIN_SERVICE_H_
#define SERVICE_API_ADMIN_SERVICE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "llmgateway/v1/admin.pb.h"
#include "service/api/budgets_admin.h"
#include "service/api/call_context.h"
#include "service/api/circuits_admin.h"
#include "service/api/component_board.h"
#include "service/api/limits_admin.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/api/readiness.h"
#include "service/api/rollout_admin.h"
#include "service/config/environment.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/reload/config_reloader.h"
#include "service/state/state_store.h"

namespace gateway {

class AdminService {
 public:
  struct Sources {
    // All are borrowed.
    const CurrentRuntime& runtime;
    const ProviderHealthBoard& health;
    const MetricRegistry& metrics;  // Also knows the calls in flight.
    const Readiness& readiness;
    BlockingWorker& worker;
    StateStore& state;  // Keeps what operators have said.
    // What the gateway keeps things in; null if nothing is to be told of it.
    const ComponentBoard* components = nullptr;
    RefusalLog* refusals = nullptr;  // Null if refusals are not recorded.
    // Knows versions, and what is wrong with the file; null if there is none.
    const ConfigReloader* reloader = nullptr;

    // What configurations to be checked may refer to.
    Environment environment;
    std::string version;  // The build's version.
  };

  explicit AdminService(Sources sources);

  AdminService(const AdminService&) = delete;
  AdminService& operator=(const AdminService&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  // Answers a method at once.
  template <typename Request, typename Response>
  using Answer = absl::Status (AdminService::*)(const RuntimeSnapshot& runtime,
                                                const Request& request,
                                                Response* response) const;

  template <typename Request, typename Response>
  void AddAnswer(MethodTable& table, const char* method,
                 Answer<Request, Response> answer);
  template <typename Request, typename Response>
  Task<absl::Status> Run(Answer<Request, Response> answer,
                         const Request& request, Response* response) const;

  absl::Status ListProviders(
      const RuntimeSnapshot& runtime,
      const llmgateway::v1::ListProvidersRequest& request,
      llmgateway::v1::ListProvidersResponse* response) const;
  absl::Status GetProvider(const RuntimeSnapshot& runtime,
                           const llmgateway::v1::GetProviderRequest& request,
                           llmgateway::v1::Provider* response) const;
  absl::Status GetHealth(const RuntimeSnapshot& runtime,
                         const llmgateway::v1::GetHealthRequest& request,
                         llmgateway::v1::GetHealthResponse* response) const;
  absl::Status GetConfig(const RuntimeSnapshot& runtime,
                         const llmgateway::v1::GetConfigRequest& request,
                         llmgateway::v1::GetConfigResponse* response) const;
  Task<absl::Status> ExplainRoute(
      CallContext& call, const llmgateway::v1::ExplainRouteRequest& request,
      llmgateway::v1::ExplainRouteResponse* response);
  Task<absl::Status> ValidateConfig(
      CallContext& call, const llmgateway::v1::ValidateConfigRequest& request,
      llmgateway::v1::ValidateConfigResponse* response);

  // Fills in the components. Returns whether calls are refused for one of them;
  // `troubled` becomes true if one is not well.
  bool FillComponents(llmgateway::v1::GetHealthResponse* response,
                      bool* troubled) const;
  Task<absl::Status> WatchHealth(CallContext& call, MessageWriter& writer);

  int64_t CallsInFlight() const;

  const Sources sources_;
  CircuitsAdmin circuits_;
  RolloutAdmin rollout_;
  LimitsAdmin limits_;
  BudgetsAdmin budgets_;
};

}  // namespace gateway

#endif  // SERVICE_API_ADMIN_SERVICE_H_
