// EmbeddingsRoutes is the API for texts as vectors, in OpenAI's words:
//
//   POST /v1/embeddings    floats, or base64 with `encoding_format`
//
// Thread contract: one event loop.

#ifndef SERVICE_HTTP_EMBEDDINGS_ROUTES_H_
#define SERVICE_HTTP_EMBEDDINGS_ROUTES_H_

#include "base/async/task.h"
#include "providers/dialects/openai_embeddings/openai_embeddings.h"
#include "service/http/http_api.h"
#include "service/http/request_context.h"
#include "service/http/route_table.h"

namespace gateway {

class EmbeddingsRoutes {
 public:
  // Writes failures as `api` does, which must outlive this.
  explicit EmbeddingsRoutes(const HttpApi& api)
      : api_(api), dialect_(/*ask_base64=*/true) {}

  EmbeddingsRoutes(const EmbeddingsRoutes&) = delete;
  EmbeddingsRoutes& operator=(const EmbeddingsRoutes&) = delete;

  // Adds the routes. `table` must not outlive this.
  void AddTo(RouteTable& table) const;

 private:
  Task<void> Embed(RequestContext context) const;

  const HttpApi& api_;
  const OpenAiEmbeddings dialect_;
};

}  // namespace gateway

#endif  // SERVICE_HTTP_EMBEDDINGS_ROUTES_H_
