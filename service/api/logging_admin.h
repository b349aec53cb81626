// The handlers of llmgateway.v1.AdminService about the log: ListLogLevels and
// SetLogLevel.
//
//   LoggingAdmin logging({.runtime = runtime, .levels = overrides});
//   logging.AddTo(table);  // Who may call, AdminService says.
//
// Thread-safe once added; handlers run on the loops of their calls.

#ifndef SERVICE_API_LOGGING_ADMIN_H_
#define SERVICE_API_LOGGING_ADMIN_H_

#include "absl/status/status.h"
#include "base/async/task.h"
#include "llmgateway/v1/logging.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/observability/log_level_overrides.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

class LoggingAdmin {
 public:
  struct Sources {
    // All are borrowed.
    const CurrentRuntime& runtime;
    LogLevelOverrides& levels;
  };

  explicit LoggingAdmin(const Sources& sources) : sources_(sources) {}

  LoggingAdmin(const LoggingAdmin&) = delete;
  LoggingAdmin& operator=(const LoggingAdmin&) = delete;

  // Adds the handlers, which ask nobody who calls. Must outlive the table's
  // calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> List(CallContext& call,
                          const llmgateway::v1::ListLogLevelsRequest& request,
                          llmgateway::v1::ListLogLevelsResponse* response);
  Task<absl::Status> Set(CallContext& call,
                         const llmgateway::v1::SetLogLevelRequest& request,
                         llmgateway::v1::SetLogLevelResponse* response);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_LOGGING_ADMIN_H_
