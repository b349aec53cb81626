// AuditRoute answers what the tools of an earlier gateway ask of its audit log,
// in the form that they expect:
//
//   GET /gateway/audit?agent_type=code-reviewer&success=false&limit=20
//   {"entries": [{"id": "7", "timestamp": "2026-01-02T03:04:05.678Z",
//     "provider": "anthropic", "model": "...", "agent_type": null,
//     "project_id": null, "input_tokens": 1, "output_tokens": 2,
//     "cache_write_tokens": 0, "cache_read_tokens": 0, "cost_usd": 0.1,
//     "latency_ms": 12, "status": "success", "request_body": null,
//     "response_body": null, "error_message": null}], "total": 1}
//
// Of its query it takes start_time and end_time (RFC 3339), agent_type,
// provider, project_id, success, limit (100, at most 1000), offset, and
// include_bodies. `total` is how many entries the answer has.
//
// It is SearchAudit in other words, and runs its handler. It stands before the
// APIs, and is for operators alone: with an operator's key or, where operators
// have none, from this machine.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_AUDIT_ROUTE_H_
#define SERVICE_HTTP_AUDIT_ROUTE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/async/task.h"
#include "base/http/http_filter.h"
#include "base/http/http_handler.h"
#include "llmgateway/v1/audit.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/http/operator_request.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

// What a query asks for.
struct AuditQuestion {
  llmgateway::v1::SearchAuditRequest request;
  int64_t limit = 100;
  int64_t offset = 0;
};

// INVALID_REQUEST names the parameter.
absl::StatusOr<AuditQuestion> ReadAuditQuery(std::string_view query);

class AuditRoute final : public HttpFilter {
 public:
  // All are borrowed.
  struct Sources {
    CachedRuntime& runtime;
    const MethodTable& rpcs;         // Has AdminService.
    RefusalLog* refusals = nullptr;  // Null if refusals are not recorded.
  };

  AuditRoute(const Sources& sources, std::unique_ptr<HttpHandler> handler);

  HttpAdmission Admit(const HttpRequest& request,
                      HttpResponder& responder) override;
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;

 private:
  Task<void> Send(const HttpRequest& request, HttpResponder& responder);
  Task<OperatorAnswer> AnswerTo(const HttpRequest& request, CallContext& call);
  // Asks for pages until there are as many entries as are asked for.
  Task<absl::Status> Search(const AuditQuestion& question, CallContext& call,
                            llmgateway::v1::SearchAuditResponse* found);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_AUDIT_ROUTE_H_
