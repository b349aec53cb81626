// OpenAI's list of models: `GET /v1/models` and `GET /v1/models/{id}`.
//
// Thread-safe and stateless.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_MODEL_LIST_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_MODEL_LIST_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/model_list_dialect.h"

namespace gateway {

class OpenAiModelList final : public ModelListDialect {
 public:
  absl::Status ReadModels(std::string_view body,
                          std::vector<v1::Model>* models) const override;
  void WriteModels(const ModelPage& page, std::string* body) const override;
  void WriteModel(const v1::Model& model, std::string* body) const override;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_MODEL_LIST_H_
