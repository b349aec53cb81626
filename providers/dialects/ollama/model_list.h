// The models that an Ollama server has at hand, `GET /api/tags`.
//
// Thread-safe and stateless.

#ifndef PROVIDERS_DIALECTS_OLLAMA_MODEL_LIST_H_
#define PROVIDERS_DIALECTS_OLLAMA_MODEL_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/model_list_dialect.h"

namespace gateway {

class OllamaModelList final : public ModelListDialect {
 public:
  // Reads the models. The time of a model is that of its file.
  absl::Status ReadModels(std::string_view body,
                          std::vector<v1::Model>* models) const override;
  void WriteModels(const ModelPage& page, std::string* body) const override;
  void WriteModel(const v1::Model& model, std::string* body) const override;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OLLAMA_MODEL_LIST_H_
