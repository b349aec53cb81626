// AnthropicRoutes is the API for Anthropic's SDKs and everything that speaks
// like them:
//
//   POST /v1/messages                whole or as server-sent events
//   POST /v1/messages/count_tokens
//   GET  /v1/models                  to those who send `anthropic-version`
//   GET  /v1/models/{id}             likewise
//
// A request is scanned once and, where the chosen provider speaks the same
// dialect, forwarded as the bytes it came in, with the caller's
// `anthropic-beta`. Queries such as `?beta=true` mean nothing here.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_ANTHROPIC_ROUTES_H_
#define SERVICE_HTTP_ANTHROPIC_ROUTES_H_

#include "absl/time/time.h"
#include "providers/dialects/anthropic_messages/anthropic_messages.h"
#include "providers/dialects/anthropic_messages/model_list.h"
#include "service/http/http_api.h"
#include "service/http/route_table.h"

namespace gateway {

class AnthropicRoutes {
 public:
  // A stream that has been silent for `ping_interval` is sent a ping.
  explicit AnthropicRoutes(
      absl::Duration ping_interval = HttpApi().ping_interval);

  AnthropicRoutes(const AnthropicRoutes&) = delete;
  AnthropicRoutes& operator=(const AnthropicRoutes&) = delete;

  const HttpApi& api() const { return api_; }

  // Adds the routes. `table` must not outlive this. To be added before another
  // API that has a list of models at the same path.
  void AddTo(RouteTable& table) const;

 private:
  const AnthropicMessages dialect_;
  const AnthropicModelList model_list_;
  const HttpApi api_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_ANTHROPIC_ROUTES_H_
