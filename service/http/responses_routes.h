// ResponsesRoutes serves OpenAI's Responses API:
//
//   POST   /v1/responses                 whole or as server-sent events
//   POST   /v1/responses/input_tokens
//   GET, DELETE /v1/responses/{id}, ...  what has been answered before
//                                        (stored_responses.h)
//
// Where the chosen provider speaks the same dialect, bytes are forwarded, and
// the provider remembers. Otherwise the gateway does, unless the request says
// `store: false`, and a request may go on from that with
// `previous_response_id`.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_RESPONSES_ROUTES_H_
#define SERVICE_HTTP_RESPONSES_ROUTES_H_

#include <string_view>

#include "base/async/task.h"
#include "providers/dialects/openai_responses/openai_responses.h"
#include "service/http/http_api.h"
#include "service/http/request_context.h"
#include "service/http/route_table.h"

namespace gateway {

class ResponsesRoutes {
 public:
  ResponsesRoutes();

  ResponsesRoutes(const ResponsesRoutes&) = delete;
  ResponsesRoutes& operator=(const ResponsesRoutes&) = delete;

  const HttpApi& api() const { return api_; }

  // Adds the routes. `table` must not outlive this.
  void AddTo(RouteTable& table) const;

 private:
  const OpenAiResponses dialect_;
  const HttpApi api_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_RESPONSES_ROUTES_H_
