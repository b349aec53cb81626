// GeminiRoutes is the door for Google's Gen AI SDKs and everything that speaks
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
#include "service/http/door_words.h"
#include "service/http/route_table.h"
#include "service/http/visit.h"

namespace gateway {

class GeminiRoutes {
 public:
  GeminiRoutes();

  GeminiRoutes(const GeminiRoutes&) = delete;
  GeminiRoutes& operator=(const GeminiRoutes&) = delete;

  const DoorWords& words() const { return words_; }

  // `table` must not outlive this.
  void AddTo(RouteTable& table) const;

 private:
  // Where the models are listed, and each of them told of.
  struct Lists {
    std::string_view all;
    std::string_view all_shown;
    std::string_view one;
    std::string_view one_shown;
    std::string_view field;  // As in RouteTable::Route.
  };

  void AddLists(RouteTable& table, const Lists& lists) const;
  Task<void> List(Visit visit) const;
  Task<void> Show(Visit visit, std::string_view encoded_name) const;

  const Gemini dialect_;
  const GeminiModels model_list_;
  const DoorWords words_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_GEMINI_ROUTES_H_
