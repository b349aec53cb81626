// Doors is the handler of the HTTP listener: it picks the door that serves a
// request, by path. Each door speaks one vendor's words:
//
//   openai_routes.h, responses_routes.h, embeddings_routes.h   OpenAI's
//   anthropic_routes.h                                         Anthropic's
//   gemini_routes.h                                            Google's
//
// All of them enter the same four stages.
//
// Who asks for what no door has is told, in the words of the nearest, what
// there is: 404, or 405 where only the method is wrong. A body that is encoded,
// such as by gzip, is not read: 415.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_DOORS_H_
#define SERVICE_HTTP_DOORS_H_

#include <string_view>

#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "service/http/anthropic_routes.h"
#include "service/http/door_words.h"
#include "service/http/embeddings_routes.h"
#include "service/http/gemini_routes.h"
#include "service/http/openai_routes.h"
#include "service/http/responses_routes.h"
#include "service/http/route_table.h"
#include "service/http/visit.h"
#include "service/pipeline/loop_services.h"

namespace gateway {

class Doors final : public HttpHandler {
 public:
  // Borrows `services`.
  explicit Doors(LoopServices& services);

  // Who has no key that is known, or asks for what there is not, is told so
  // without a byte of the body.
  HttpAdmission Admit(const HttpRequest& request,
                      HttpResponder& responder) override;
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;

  Refusal Refuse(int status, std::string_view path,
                 std::string_view message) override;

 private:
  Task<void> RefuseRoute(Visit visit) const;
  const DoorWords& NearestTo(std::string_view path) const;

  LoopServices& services_;
  const AnthropicRoutes anthropic_;
  const OpenAiRoutes openai_;
  const ResponsesRoutes responses_;
  const EmbeddingsRoutes embeddings_{openai_.words()};
  const GeminiRoutes gemini_;
  RouteTable routes_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_DOORS_H_
