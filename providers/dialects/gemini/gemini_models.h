// The list of models of the Gemini API: `GET /v1beta/models` and
// `GET /v1beta/models/{model}`. A name there begins with `models/`.
//
// Stateless and thread-safe.

#ifndef PROVIDERS_DIALECTS_GEMINI_GEMINI_MODELS_H_
#define PROVIDERS_DIALECTS_GEMINI_GEMINI_MODELS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/model_list_dialect.h"

namespace gateway {

class GeminiModels final : public ModelListDialect {
 public:
  absl::Status ReadModels(std::string_view body,
                          std::vector<v1::Model>* models) const override;
  void WriteModels(const ModelPage& page, std::string* body) const override;
  void WriteModel(const v1::Model& model, std::string* body) const override;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_GEMINI_GEMINI_MODELS_H_
