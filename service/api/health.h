// HealthService tells whether the server, or one service of it, takes calls:
// grpc.health.v1 for whichever engine serves the table.
//
//   HealthService health(&components);
//   health.AddTo(table);       // After all other services.
//   health.StartServing();     // Once the listeners are open.
//   health.SetServing("llmgateway-readiness", false);
//   health.StopServing();      // When draining: for good.
//
// It knows the empty name (the whole server), each service of the table,
// `llmgateway-readiness`, which does as the server does, but for while a
// component has calls refused, or until told otherwise, and
// `llmgateway-liveness`, which serves as long as there is a process.
//
// Thread-safe once added. Watchers are told on the loops of their calls.

#ifndef SERVICE_API_HEALTH_H_
#define SERVICE_API_HEALTH_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/os/mutex.h"
#include "grpc/health/v1/health.pb.h"
#include "service/api/call_context.h"
#include "service/api/component_board.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/api/watcher.h"

namespace gateway {

inline constexpr std::string_view kLivenessService = "llmgateway-liveness";
inline constexpr std::string_view kReadinessService = "llmgateway-readiness";

class HealthService {
 public:
  // Borrows the board, if that is not null.
  explicit HealthService(const ComponentBoard* components = nullptr);
  ~HealthService();

  HealthService(const HealthService&) = delete;
  HealthService& operator=(const HealthService&) = delete;

  // Adds the handlers, and learns the names of the table's services. Must
  // outlive the table's calls. May add itself to more than one table.
  void AddTo(MethodTable& table) LOCKS_EXCLUDED(mu_);

  // Sets every name to serving.
  void StartServing() LOCKS_EXCLUDED(mu_);

  // Sets one name, which need not have been known.
  void SetServing(std::string_view service, bool serving) LOCKS_EXCLUDED(mu_);

  // Sets every name but liveness to not serving, for good.
  void StopServing() LOCKS_EXCLUDED(mu_);

 private:
  using Request = ::grpc::health::v1::HealthCheckRequest;
  using Response = ::grpc::health::v1::HealthCheckResponse;
  using ListRequest = ::grpc::health::v1::HealthListRequest;
  using ListResponse = ::grpc::health::v1::HealthListResponse;
  Task<absl::Status> Check(CallContext& call, const Request& request,
                           Response* response);
  Task<absl::Status> Watch(CallContext& call, const Request& request,
                           MessageWriter& writer);
  Task<absl::Status> List(CallContext& call, const ListRequest& request,
                          ListResponse* response);

  // Returns SERVICE_UNKNOWN for a name that is not known.
  Response::ServingStatus StatusOf(std::string_view service)
      LOCKS_EXCLUDED(mu_);
  // What has been said of a name, as the components have it now.
  Response::ServingStatus AsComponentsDo(std::string_view service,
                                         Response::ServingStatus said) const;
  void TellWatchers() EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const ComponentBoard* const components_;
  Mutex mu_;
  std::map<std::string, Response::ServingStatus, std::less<>> statuses_
      GUARDED_BY(mu_);
  std::set<std::shared_ptr<Watcher>> watchers_ GUARDED_BY(mu_);
  bool stopped_ GUARDED_BY(mu_) = false;
};

}  // namespace gateway

#endif  // SERVICE_API_HEALTH_H_
