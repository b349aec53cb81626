// The dialect of OpenAI's embeddings: `POST /v1/embeddings`, as upstream and as
// API, and of the many services that speak like it.
//
//   {"model": "m", "input": ["a", "b"], "encoding_format": "base64"}
//
// Inputs are a text, texts, tokens or lists of tokens. Vectors travel as
// numbers or as base64 of little-endian 32-bit floats, which is both shorter
// and exact.
//
// Thread-safe and stateless, as every dialect.

#ifndef PROVIDERS_DIALECTS_OPENAI_EMBEDDINGS_OPENAI_EMBEDDINGS_H_
#define PROVIDERS_DIALECTS_OPENAI_EMBEDDINGS_OPENAI_EMBEDDINGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/embedding_dialect.h"

namespace gateway {

class OpenAiEmbeddings final : public EmbeddingDialect {
 public:
  // `ask_base64` is set if the services that it writes for know
  // `encoding_format`.
  explicit OpenAiEmbeddings(bool ask_base64) : ask_base64_(ask_base64) {}

  std::string_view name() const override;

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

 private:
  const bool ask_base64_;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_EMBEDDINGS_OPENAI_EMBEDDINGS_H_
