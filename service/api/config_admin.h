// The handlers of llmgateway.v1.AdminService that change the configuration and
// tell of its changes: ReloadConfig, ApplyConfig, RollbackConfig, WatchConfig.
//
//   ConfigAdmin config({.runtime = runtime,
//                       .reloader = reloader,
//                       .worker = worker});
//   config.AddTo(table);  // Beside AdminService, which asks who calls.
//
// Thread-safe once added; handlers run on the loops of their calls, except that
// configurations are read on the worker.

#ifndef SERVICE_API_CONFIG_ADMIN_H_
#define SERVICE_API_CONFIG_ADMIN_H_

#include <vector>

#include "absl/status/status.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/admin.pb.h"
#include "service/api/call_context.h"
#include "service/api/message_stream.h"
#include "service/api/method_table.h"
#include "service/config/config_problem.h"
#include "service/pipeline/current_runtime.h"
#include "service/reload/config_reloader.h"

namespace gateway {

// Appends what is wrong with the configuration file, or doubtful about it.
void FillProblems(
    const std::vector<ConfigProblem>& problems,
    llmgateway::v1::ConfigProblem::Severity severity,
    google::protobuf::RepeatedPtrField<llmgateway::v1::ConfigProblem>* out);

class ConfigAdmin {
 public:
  // All are borrowed; the reloader outlives the worker.
  struct Sources {
    const CurrentRuntime& runtime;
    ConfigReloader& reloader;
    BlockingWorker& worker;
  };

  explicit ConfigAdmin(const Sources& sources) : sources_(sources) {}

  ConfigAdmin(const ConfigAdmin&) = delete;
  ConfigAdmin& operator=(const ConfigAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  // What `work`, on the worker, has come to.
  template <typename Work>
  Task<absl::StatusOr<ConfigReloader::Result>> OnWorker(CallContext& call,
                                                        Work work);

  Task<absl::Status> Reload(CallContext& call,
                            const llmgateway::v1::ReloadConfigRequest& request,
                            llmgateway::v1::ReloadConfigResponse* response);
  Task<absl::Status> Apply(CallContext& call,
                           const llmgateway::v1::ApplyConfigRequest& request,
                           llmgateway::v1::ApplyConfigResponse* response);
  Task<absl::Status> Rollback(
      CallContext& call, const llmgateway::v1::RollbackConfigRequest& request,
      llmgateway::v1::RollbackConfigResponse* response);
  Task<absl::Status> Watch(CallContext& call, MessageWriter& writer);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_CONFIG_ADMIN_H_
