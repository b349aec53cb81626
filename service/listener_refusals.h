// What each listener has refused before it became a call.
//
//   ListenerRefusals refusals(registry, SystemClock());
//   refusals.Follow(*runtime);
//   ... http.refusals = &refusals.http ...
//
// Thread contract: Follow before any listener is open; the logs are
// thread-safe.

#ifndef SERVICE_LISTENER_REFUSALS_H_
#define SERVICE_LISTENER_REFUSALS_H_

#include <functional>
#include <string>
#include <string_view>

#include "base/os/clock.h"
#include "service/audit/redaction/body_redactor.h"
#include "service/observability/metrics.h"
#include "service/observability/refusal_log.h"
#include "service/pipeline/current_runtime.h"

namespace gateway {

struct ListenerRefusals {
  // Borrows both.
  ListenerRefusals(MetricRegistry& registry, Clock& clock)
      : http("http", registry, clock),
        operations("operations", registry, clock),
        grpc("grpc", registry, clock),
        admin("admin", registry, clock),
        admin_http("admin_http", registry, clock) {}

  // Takes the secrets of the configuration in use out of all that they log.
  // Borrows it.
  void Follow(const CurrentRuntime& runtime) {
    for (RefusalLog* const log :
         {&http, &operations, &grpc, &admin, &admin_http}) {
      log->TakeOut([&runtime] { return runtime.Get()->key_redactor(); });
    }
    without_keys = [&runtime](std::string_view text) {
      return runtime.Get()->key_redactor()->RedactText(text).text;
    };
  }

  RefusalLog http;
  RefusalLog operations;
  // Of the gRPC C++ engine; the native one counts its own.
  RefusalLog grpc;
  RefusalLog admin;
  RefusalLog admin_http;
  // What others may log of a text that a caller has made up; of any thread.
  std::function<std::string(std::string_view text)> without_keys;
};

}  // namespace gateway

#endif  // SERVICE_LISTENER_REFUSALS_H_
