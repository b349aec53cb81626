// AdminRoutes is what operators are served by HTTP, below /api/admin/gateway:
// the paths of an earlier system, whose scripts go on working.
//
//   GET  /health                  how the gateway and its providers are doing
//   GET  /status                  the same, and which model serves which node
//   GET  /policies                /node-requirements, /assignments
//   PUT  /policies/{node}         gives a model to a node; POST does the same
//   PUT  /policies/bulk           to several nodes; POST does the same
//   POST /policies/reload         reads the configuration file again
//   POST /test-selection          which model would be chosen
//   GET  /recommendations/{node}  by each strategy
//   GET  /cost-optimization       where a cheaper model would do
//   GET  /metrics?hours=N         how calls went
//   GET  /validate                what is wrong with the policies
//   GET  /traces                  the traces of calls that are kept
//   GET  /traces/{trace_id}       the spans of one
//   GET  /metrics                 how the calls of the last hours went
//
// Each is an rpc of AdminService, or of MetricsService, in other words, and
// runs its handler: the body is read into the rpc's request (admin_requests.h),
// and its response written in that system's JSON (admin_answers.h). Who may ask
// is decided as for the rpc (caller_check.h). Errors are `{"detail": ...}`.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_ADMIN_ROUTES_H_
#define SERVICE_HTTP_ADMIN_ROUTES_H_

#include <string_view>

#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/http/operator_request.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/current_runtime.h"
#include "service/reload/config_reloader.h"

namespace gateway {

class AdminRoutes final : public HttpHandler {
 public:
  // All are borrowed.
  struct Sources {
    CachedRuntime& runtime;
    const MethodTable& rpcs;         // Has AdminService and MetricsService.
    RefusalLog* refusals = nullptr;  // Null if refusals are not recorded.
    // Knows what is wrong with the file; null if nothing is reloaded.
    const ConfigReloader* reloader = nullptr;
  };

  explicit AdminRoutes(const Sources& sources) : sources_(sources) {}

  // Refuses, before the body comes, whoever is no operator, and a body that
  // would not be read.
  HttpAdmission Admit(const HttpRequest& request,
                      HttpResponder& responder) override;
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;

  Refusal Refuse(int status, std::string_view path,
                 std::string_view message) override;

 private:
  Task<OperatorAnswer> AnswerTo(const HttpRequest& request, CallContext& call);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_ADMIN_ROUTES_H_
