// Ollama's embeddings, `POST /api/embed`, as upstream.
//
// Thread-safe and immutable.

#ifndef PROVIDERS_DIALECTS_OLLAMA_EMBEDDINGS_H_
#define PROVIDERS_DIALECTS_OLLAMA_EMBEDDINGS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/embedding_dialect.h"

namespace gateway {

class OllamaEmbeddings final : public EmbeddingDialect {
 public:
  // `keep_alive` as for Ollama.
  explicit OllamaEmbeddings(std::string keep_alive);

  std::string_view name() const override;

  // Writes a request. Inputs of tokens are refused: the format has texts only.
  absl::Status WriteRequest(const v1::EmbedRequest& request,
                            std::string_view model, std::string* body,
                            std::vector<v1::Warning>* warnings) const override;
  absl::Status ReadResponse(std::string_view body,
                            v1::EmbedResponse* response) const override;

 private:
  const std::string keep_alive_;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OLLAMA_EMBEDDINGS_H_
