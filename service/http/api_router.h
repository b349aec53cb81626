// ApiRouter is the handler of the HTTP listener: it picks the API that serves a
// request, by path. Each API speaks one vendor's words:
//
//   openai_routes.h, responses_routes.h, embeddings_routes.h   OpenAI's
//   anthropic_routes.h                                         Anthropic's
//   gemini_routes.h                                            Google's
//   selection_chat_routes.h                                    the gateway's
//
// All of them enter the same four stages.
//
// Who asks for what no API has is told, in the words of the nearest, what
// there is: 404, or 405 where only the method is wrong. A body that is encoded,
// such as by gzip, is not read: 415.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_API_ROUTER_H_
#define SERVICE_HTTP_API_ROUTER_H_

#include <string_view>

#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "service/http/anthropic_routes.h"
#include "service/http/embeddings_routes.h"
#include "service/http/gemini_routes.h"
#include "service/http/http_api.h"
#include "service/http/openai_routes.h"
#include "service/http/request_context.h"
#include "service/http/responses_routes.h"
#include "service/http/route_table.h"
#include "service/http/selection_chat_routes.h"
#include "service/pipeline/loop_services.h"

namespace gateway {

class ApiRouter final : public HttpHandler {
 public:
  // Borrows `services`.
  explicit ApiRouter(LoopServices& services);

  // Refuses, before the body comes, requests without a known key and for paths
  // that do not exist, and those with bodies while there is no memory for them.
  HttpAdmission Admit(const HttpRequest& request,
                      HttpResponder& responder) override;
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;

  Refusal Refuse(int status, std::string_view path,
                 std::string_view message) override;

 private:
  Task<void> RefuseRoute(RequestContext context) const;
  const HttpApi& NearestTo(std::string_view path) const;

  LoopServices& services_;
  const AnthropicRoutes anthropic_;
  const OpenAiRoutes openai_;
  const ResponsesRoutes responses_;
  const EmbeddingsRoutes embeddings_{openai_.api()};
  const GeminiRoutes gemini_;
  const SelectionChatRoutes selection_chat_;
  RouteTable routes_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_API_ROUTER_H_
