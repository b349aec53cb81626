// The handlers of AdminService for limits: ListLimitUsage and ResetLimit.
//
//   LimitsAdmin limits({.runtime = runtime});
//   limits.AddTo(table);  // As a part of AdminService, which says who may
//   call.
//
// They see and change what this process counts; of what replicas share, a reset
// also reaches the counter of a subject that is named in full. It is a line of
// the log.
//
// Thread-safe once added; handlers run on the loops of their calls, and on the
// worker pool where there is much to look through.

#ifndef SERVICE_API_LIMITS_ADMIN_H_
#define SERVICE_API_LIMITS_ADMIN_H_

#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "llmgateway/v1/limits.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

class LimitsAdmin {
 public:
  struct Sources {
    const CurrentRuntime& runtime;  // Borrowed.
  };

  explicit LimitsAdmin(const Sources& sources) : sources_(sources) {}

  LimitsAdmin(const LimitsAdmin&) = delete;
  LimitsAdmin& operator=(const LimitsAdmin&) = delete;

  // Adds the handlers. Must outlive the table's calls.
  void AddTo(MethodTable& table);

 private:
  Task<absl::Status> List(const llmgateway::v1::ListLimitUsageRequest& request,
                          llmgateway::v1::ListLimitUsageResponse* response);
  Task<absl::Status> Reset(const CallContext& call,
                           const llmgateway::v1::ResetLimitRequest& request,
                           llmgateway::v1::ResetLimitResponse* response);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_API_LIMITS_ADMIN_H_
