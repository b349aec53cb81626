// What an HTTP listener refuses, on its way into the RefusalLog: what APIs
// refuse, which they record themselves, and what the server refuses by itself -
// malformed, too large, too slow - which RefusalWatch sees.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_REFUSAL_WATCH_H_
#define SERVICE_HTTP_REFUSAL_WATCH_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "base/http/http_filter.h"
#include "base/http/http_handler.h"
#include "service/observability/refusal_log.h"

namespace gateway {

// Records an answer that refuses a request (4xx); nothing for others, or if
// `log` is null.
void RecordRefusal(RefusalLog* log, const HttpRequest& request,
                   const HttpResponder& responder, int status,
                   std::string_view request_id, std::string_view why);

// Stands before all other handlers of a listener. Records what the server
// refuses by itself, and adds an `x-request-id` to it, as every answer has.
class RefusalWatch final : public HttpFilter {
 public:
  // Borrows `log`.
  RefusalWatch(RefusalLog& log, std::unique_ptr<HttpHandler> handler);

  Refusal RefuseRequest(int status, const HttpRequest& request,
                        std::string_view peer,
                        std::string_view message) override;
  void ConnectionFlooded(std::string_view peer,
                         const absl::Status& why) override;
  void HandshakeFailed(std::string_view peer,
                       const absl::Status& why) override;

 private:
  RefusalLog& log_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_REFUSAL_WATCH_H_
