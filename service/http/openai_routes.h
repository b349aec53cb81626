// OpenAiRoutes is the door for OpenAI's SDKs and everything that speaks like
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

#include <string>
#include <string_view>

#include "base/http_handler.h"
#include "base/task.h"
#include "providers/dialects/openai_chat/openai_chat.h"
#include "service/pipeline/loop_services.h"
#include "service/pipeline/wiring.h"

namespace gateway {

class OpenAiRoutes final : public HttpHandler {
 public:
  // Borrows `services`.
  explicit OpenAiRoutes(LoopServices& services) : services_(services) {}

  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override;

  Refusal Refuse(int status, std::string_view path,
                 std::string_view message) override;

 private:
  // What every request has in common.
  struct Exchange;

  Task<void> Complete(Exchange exchange);
  Task<void> ListModels(Exchange exchange);
  Task<void> GetModel(Exchange exchange, std::string name);
  Task<void> Fail(Exchange exchange, absl::Status status);
  Task<void> SendJson(Exchange exchange, std::string body);
  absl::Status CheckCaller(const Exchange& exchange,
                           const Wiring& wiring) const;

  LoopServices& services_;
  const OpenAiChat dialect_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_OPENAI_ROUTES_H_
