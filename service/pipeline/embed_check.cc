#include "service/pipeline/embed_check.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "service/pipeline/part_check.h"
#include "service/pipeline/request_check.h"
#include "service/pipeline/violations.h"

namespace gateway {

absl::Status CheckEmbedRequest(const llmgateway::v1::EmbedRequest& request,
                               bool needs_model) {
  Violations violations;
  if (needs_model && request.model().empty()) {
    violations.Add("model",
                   "is required: routing.default_target names none");
  }
  if (request.inputs().empty()) violations.Add("inputs", "is required");
  if (request.inputs_size() > kEmbedInputsMax) {
    violations.Add("inputs",
                   absl::StrCat("has more than ", kEmbedInputsMax, " inputs"));
    return std::move(violations).ToStatus();
  }
  for (int i = 0; i < request.inputs_size(); ++i) {
    const auto& input = request.inputs(i);
    const bool empty = input.has_tokens() ? input.tokens().ids().empty()
                                          : input.text().empty();
    if (empty) violations.Add({"inputs", i}, "is empty");
  }
  if (request.has_dimensions() && request.dimensions() < 1) {
    violations.Add("dimensions", "must be at least 1");
  }
  if (request.has_scope()) CheckScope(request.scope(), &violations);
  CheckExtensions(request.extensions(), nullptr, &violations);
  return std::move(violations).ToStatus();
}

}  // namespace gateway
