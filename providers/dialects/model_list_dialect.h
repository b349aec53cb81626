// A ModelListDialect is one vendor's wire format for the list of its models: as
// a provider answers with it, and as an API does.
//
// Dialects are stateless and thread-safe.

#ifndef PROVIDERS_DIALECTS_MODEL_LIST_DIALECT_H_
#define PROVIDERS_DIALECTS_MODEL_LIST_DIALECT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// What callers are shown of a list that they may page through.
struct ModelPage {
  absl::Span<const v1::Model> models;
  // The name of the model that the next page begins after; empty if there is
  // none.
  std::string next_after = {};
};

class ModelListDialect {
 public:
  virtual ~ModelListDialect() = default;

  // Appends the models that an answer lists.
  virtual absl::Status ReadModels(std::string_view body,
                                  std::vector<v1::Model>* models) const = 0;

  // Appends one page, or all models where the vendor's lists have no pages.
  virtual void WriteModels(const ModelPage& page, std::string* body) const = 0;

  // Appends one model.
  virtual void WriteModel(const v1::Model& model, std::string* body) const = 0;
};

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_MODEL_LIST_DIALECT_H_
