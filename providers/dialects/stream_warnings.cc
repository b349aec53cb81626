#include "providers/dialects/stream_warnings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {

std::string StreamWarnings::Text(std::string_view what) {
  if (std::find(told_.begin(), told_.end(), what) != told_.end()) return {};
  told_.push_back(what);
  return absl::StrCat(ToAbsl(what), ": left out: ", ToAbsl(dialect_),
                      " has none");
}

void StreamWarnings::LeftOut(std::string_view what, std::string* out) {
  const std::string text = Text(what);
  if (text.empty()) return;
  absl::StrAppend(out, ": x-llmgateway-warnings: ", text, "\n\n");
}

}  // namespace gateway
