// CompatibilityRoutes answers what other gateways' monitors, scripts and
// dashboards ask for, in the form that they expect, so that they go on working:
//
//   GET /health            up, whatever its providers do: for liveness probes
//   GET /health/ready      503 while calls cannot be served, and which check
//                          fails
//   GET /health/detailed   with memory and calls in flight; 503 if no provider
//                          can be used, or calls are refused
//   GET /v1/providers      {"providers": {name: [model...]}}
//   GET /gateway/health    {"status", "providers": {name: healthy},
//                          "components": {name: state}, "routing", "audit"}
//   GET /gateway/providers {"providers": [{"name", "healthy"}]}
//
// It stands before the APIs and hands on what is not its own:
//
//   CompatibilityRoutes handler(sources,
//                               std::make_unique<ApiRouter>(services));
//
// All it says is what this process knows; what calls consumed is told by
// metrics_routes.h. A provider is healthy unless it has no credential
// or its latest attempts have failed; one without a credential gets no calls
// and degrades nothing. What the gateway keeps things in, its ledger say, is in
// the ComponentBoard; /health/ready and /health/detailed say 503 while calls
// are refused for one of those.
//
// Health needs no key, since probes have none, and tells those who show none
// whether all is well and nothing else: the release is for callers, what
// /health/detailed and /gateway/health have more for operators. Lists ask for a
// caller's key, as every API does. Where operators have no keys, callers count
// as operators.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_COMPATIBILITY_ROUTES_H_
#define SERVICE_HTTP_COMPATIBILITY_ROUTES_H_

#include <memory>
#include <string_view>

#include "base/async/task.h"
#include "base/http/http_filter.h"
#include "base/http/http_handler.h"
#include "base/os/clock.h"
#include "service/api/component_board.h"
#include "service/api/readiness.h"
#include "service/observability/metrics.h"
#include "service/observability/provider_health.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

class CompatibilityRoutes final : public HttpFilter {
 public:
  // All are borrowed.
  struct Sources {
    CachedRuntime& runtime;
    const ProviderHealthBoard& health;
    const Readiness& readiness;
    const MetricRegistry& metrics;
    Clock& clock;
    std::string_view version;
    RefusalLog* refusals = nullptr;  // Null if refusals are not recorded.
    const ComponentBoard* components = nullptr;  // Null if there are none.
  };

  CompatibilityRoutes(const Sources& sources,
                      std::unique_ptr<HttpHandler> handler);

  // Returns whether this path is answered here, whatever the method.
  static bool Owns(std::string_view path);

  HttpAdmission Admit(const HttpRequest& request,
                      HttpResponder& responder) override;
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;

 private:
  Task<void> Answer(const HttpRequest& request, HttpResponder& responder);

  const Sources sources_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_COMPATIBILITY_ROUTES_H_
