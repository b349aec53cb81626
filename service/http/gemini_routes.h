// GeminiRoutes is the API for Google's Gen AI SDKs and everything that speaks
// like them:
//
//   POST /v1beta/models/{model}:generateContent
//   POST /v1beta/models/{model}:streamGenerateContent?alt=sse
//   POST /v1beta/models/{model}:countTokens
//   GET  /v1beta/models                 what callers can name
//   GET  /v1beta/models/{model}
//
// The caller's key comes as `x-goog-api-key`, `x-api-key` or `authorization`;
// one in the URL, where logs see it, is refused.
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_GEMINI_ROUTES_H_
#define SERVICE_HTTP_GEMINI_ROUTES_H_

#include <string_view>

#include "base/async/task.h"
#include "providers/dialects/gemini/gemini.h"
#include "providers/dialects/gemini/gemini_models.h"
#include "service/http/http_api.h"
#include "service/http/request_context.h"
#include "service/http/route_table.h"

namespace gateway {

class GeminiRoutes {
 public:
  GeminiRoutes();

  GeminiRoutes(const GeminiRoutes&) = delete;
  GeminiRoutes& operator=(const GeminiRoutes&) = delete;

  const HttpApi& api() const { return api_; }

  // Adds the routes. `table` must not outlive this.
  void AddTo(RouteTable& table) const;

 private:
  // The paths of the list of models, and of each model.
  struct Lists {
    std::string_view all;
    std::string_view all_shown;
    std::string_view one;
    std::string_view one_shown;
    std::string_view field;  // As in RouteTable::Route.
  };

  void AddLists(RouteTable& table, const Lists& lists) const;
  Task<void> List(RequestContext context) const;
  Task<void> Show(RequestContext context, std::string_view encoded_name) const;

  const Gemini dialect_;
  const GeminiModels model_list_;
  const HttpApi api_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_GEMINI_ROUTES_H_
