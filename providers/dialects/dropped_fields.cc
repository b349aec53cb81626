#include "providers/dialects/dropped_fields.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway::wire {

void DroppedFields::LeftOut(std::string_view field) {
  Changed(field,
          absl::StrCat("left out: ", ToAbsl(dialect_), " has no such field"));
}

void DroppedFields::Changed(std::string_view field, std::string_view how) {
  if (warnings_ == nullptr || warnings_->size() >= kWarningsLimit) return;
  for (const v1::Warning& told : *warnings_) {
    if (told.field() == field && told.message() == how) return;
  }
  v1::Warning& warning = warnings_->emplace_back();
  warning.set_field(std::string(field));
  warning.set_message(std::string(how));
}

void DroppedFields::Foreign(std::string_view place,
                            const ExtensionList& extensions) {
  for (const v1::Extension& extension : extensions) {
    if (extension.dialect() == dialect_) continue;
    Changed(
        absl::StrCat(ToAbsl(place), place.empty() ? "" : ".", extension.name()),
        absl::StrCat("left out: only ", extension.dialect(),
                     " knows this field"));
  }
}

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

}  // namespace gateway::wire
