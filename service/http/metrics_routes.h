// MetricsRoutes tells operators, at the APIs' own listener, what calls consumed
// and what becomes of them, at the paths of an earlier system whose dashboards
// go on working:
//
//   GET  /gateway/metrics        the sums since the latest reset, by agent,
//                                provider, model and project, and the latest
//                                calls
//   POST /gateway/metrics/reset  forgets both
//   GET  /api/streams/subscribe  server-sent events: each call as it begins,
//                                has its first token, and ends
//
// It stands before the APIs and hands on what is not its own:
//
//   MetricsRoutes handler(sources, std::make_unique<ApiRouter>(services));
//
// All are for operators: with their keys, or, where nobody has any, for this
// machine (CheckOperatorAmongCallers). What they say is what rpcs of
// MetricsService answer, in that system's words; errors are
// `{"error": {"type", "message"}}`.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_METRICS_ROUTES_H_
#define SERVICE_HTTP_METRICS_ROUTES_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "base/async/task.h"
#include "base/http/http_filter.h"
#include "base/http/http_handler.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/observability/refusal_log.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

class MetricsRoutes final : public HttpFilter {
 public:
  // All are borrowed.
  struct Sources {
    CachedRuntime& runtime;
    const MethodTable& rpcs;  // Has MetricsService.
    RequestFeed& feed;
    RefusalLog* refusals = nullptr;  // Null if refusals are not recorded.
  };

  MetricsRoutes(const Sources& sources, std::unique_ptr<HttpHandler> handler);

  // Returns whether this path is answered here, whatever the method.
  static bool Owns(std::string_view path);

  HttpAdmission Admit(const HttpRequest& request,
                      HttpResponder& responder) override;
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;

 private:
  Task<void> Send(const HttpRequest& request, HttpResponder& responder);
  // Whether it is asked so, and by an operator.
  absl::Status Check(const HttpRequest& request, CallContext& call) const;
  // Writes the fields of the answer.
  Task<absl::Status> Write(const HttpRequest& request, CallContext& call,
                           std::string* body);
  Task<absl::Status> WriteMetrics(std::string_view query, CallContext& call,
                                  std::string* body);
  Task<absl::Status> WriteReset(CallContext& call, std::string* body);
  // Streams events until the client goes.
  Task<absl::Status> Subscribe(HttpResponder& responder, CallContext& call);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_METRICS_ROUTES_H_
