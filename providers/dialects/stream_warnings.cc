#include "providers/dialects/stream_warnings.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {

void StreamWarnings::LeftOut(std::string_view what, std::string* out) {
  if (std::find(told_.begin(), told_.end(), what) != told_.end()) return;
  told_.push_back(what);
  absl::StrAppend(out, ": x-llmgateway-warnings: ", ToAbsl(what),
                  ": left out: ", ToAbsl(dialect_), " has none\n\n");
}

}  // namespace gateway
