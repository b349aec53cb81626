// OpenAiRoutes is the API for OpenAI's SDKs and everything that speaks like
// them:
//
//   POST /v1/chat/completions    whole or as server-sent events
//   GET  /v1/models              what callers can name
//   GET  /v1/models/{id}
//
// A request is scanned once and, where the chosen provider speaks the same
// dialect, forwarded as the bytes it came in.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_OPENAI_ROUTES_H_
#define SERVICE_HTTP_OPENAI_ROUTES_H_

#include "providers/dialects/openai_chat/model_list.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/http/http_api.h"
#include "service/http/route_table.h"

namespace gateway {

class OpenAiRoutes {
 public:
  OpenAiRoutes();

  OpenAiRoutes(const OpenAiRoutes&) = delete;
  OpenAiRoutes& operator=(const OpenAiRoutes&) = delete;

  const HttpApi& api() const { return api_; }

  // Adds the routes. `table` must not outlive this.
  void AddTo(RouteTable& table) const;

 private:
  const OpenAiChat dialect_;
  const OpenAiModelList model_list_;
  const HttpApi api_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_OPENAI_ROUTES_H_
