#include "providers/dialects/event_text.h"

#include <algorithm>
#include <iterator>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "base/text/json.h"

namespace gateway {
namespace {

constexpr std::string_view kSpokenUnder[] = {
    "arguments", "content",   "delta",   "partial_json",      "reasoning",
    "refusal",   "text",      "thinking", "reasoning_content"};

absl::Status AddSpoken(std::string_view key, JsonValue& value, int64_t* bytes) {
  if (value.IsObject()) {
    return value.EachField([bytes](std::string_view name, JsonValue& field) {
      return AddSpoken(name, field, bytes);
    });
  }
  if (value.IsArray()) {
    return value.EachElement([key, bytes](JsonValue& element) {
      return AddSpoken(key, element, bytes);
    });
  }
  const bool spoken =
      value.IsString() &&
      std::find(std::begin(kSpokenUnder), std::end(kSpokenUnder), key) !=
          std::end(kSpokenUnder);
  if (!spoken) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.RawUnchecked());
  *bytes += static_cast<int64_t>(raw.size()) - 2;  // Without the quotes.
  return absl::OkStatus();
}

}  // namespace

int64_t SpokenBytes(std::string_view event) {
  int64_t bytes = 0;
  const absl::Status read =
      ReadJson(event, JsonPadding::kAbsent,
               [&](JsonValue& root) { return AddSpoken("", root, &bytes); });
  return read.ok() ? bytes : 0;
}

}  // namespace gateway
