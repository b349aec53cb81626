// Texts as vectors in the Gemini API: `:batchEmbedContents`, and at the API
// also the request of `:embedContent`, which is one of a batch.
//
// Stateless and thread-safe.

#ifndef PROVIDERS_DIALECTS_GEMINI_GEMINI_EMBEDDINGS_H_
#define PROVIDERS_DIALECTS_GEMINI_GEMINI_EMBEDDINGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/embedding_dialect.h"

namespace gateway {

class GeminiEmbeddings final : public EmbeddingDialect {
 public:
  std::string_view name() const override;

  // Reads a request. What the contract lacks, such as `taskType`, must be the
  // same for all texts of a batch.
  absl::Status ReadRequest(std::string_view body, v1::EmbedRequest* request,
                           EmbeddingEncoding* encoding) const override;
  absl::Status WriteRequest(const v1::EmbedRequest& request,
                            std::string_view model, std::string* body,
                            std::vector<v1::Warning>* warnings) const override;
  absl::Status ReadResponse(std::string_view body,
                            v1::EmbedResponse* response) const override;
  absl::Status WriteResponse(const v1::EmbedResponse& response,
                             EmbeddingEncoding encoding,
                             std::string* body) const override;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_GEMINI_GEMINI_EMBEDDINGS_H_
