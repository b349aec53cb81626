#include "clients/cli/target_words.h"

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {

absl::StatusOr<llmgateway::type::v1::Target> TargetOf(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == 0 || slash == text.npos || slash + 1 == text.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a target is PROVIDER/MODEL, as in openai/gpt-5-mini, "
                     "not '",
                     ToAbsl(text), "'"));
  }
  llmgateway::type::v1::Target target;
  target.set_provider(std::string(text.substr(0, slash)));
  target.set_model(std::string(text.substr(slash + 1)));
  return target;
}

std::string TargetText(const std::string& provider, const std::string& model) {
  return model.empty() ? provider : absl::StrCat(provider, "/", model);
}

}  // namespace gateway
