#include "service/pipeline/recorded_labels.h"

#include <string_view>
#include <utility>

namespace gateway {

RecordedLabels::RecordedLabels(absl::Span<const CallLabel> labels,
                               const BodyRedactor* redactor)
    : labels_(labels.begin(), labels.end()) {
  if (redactor == nullptr) return;
  for (CallLabel& label : labels_) {
    for (std::string_view* const text : {&label.key, &label.value}) {
      RedactedText redacted = redactor->RedactText(*text);
      if (redacted.redactions == 0) continue;
      *text = redacted_.emplace_back(std::move(redacted.text));
    }
  }
}

}  // namespace gateway
