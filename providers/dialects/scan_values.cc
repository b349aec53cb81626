#include "providers/dialects/scan_values.h"

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"

namespace gateway::wire {
namespace {

// What a JSON string says. Names rarely have escapes.
absl::StatusOr<std::string> Unescape(std::string_view raw) {
  if (raw.find('\\') == std::string_view::npos) {
    return std::string(raw.substr(1, raw.size() - 2));
  }
  std::string text;
  GATEWAY_RETURN_IF_ERROR(ReadJson(
      absl::StrCat("[", ToAbsl(raw), "]"), JsonPadding::kAbsent,
      [&](JsonValue& root) {
        return root.EachElement([&](JsonValue& value) -> absl::Status {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
          text = std::string(view);
          return absl::OkStatus();
        });
      }));
  return text;
}

}  // namespace

absl::Status ReadText(JsonValue& value, std::string* text) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
  text->assign(view);
  return absl::OkStatus();
}

absl::Status ScanModel(JsonValue& value, std::string_view body,
                       RequestScan* scan) {
  if (!value.IsString()) return value.Error("expected a string");
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.RawUnchecked());
  scan->model_value = {.offset = static_cast<size_t>(raw.data() - body.data()),
                       .length = raw.size()};
  absl::StatusOr<std::string> model = Unescape(raw);
  if (!model.ok()) return value.Error(JsonErrorDescription(model.status()));
  scan->model = *std::move(model);
  return absl::OkStatus();
}

}  // namespace gateway::wire
