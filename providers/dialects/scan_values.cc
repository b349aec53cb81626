#include "providers/dialects/scan_values.h"

#include <algorithm>
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

absl::Status CheckNameLength(JsonValue& value, std::string_view name) {
  // Most names are shorter in bytes already.
  if (name.size() <= kNameCharactersMax) return absl::OkStatus();
  // UTF-8 continuation bytes do not count.
  const auto characters = std::count_if(
      name.begin(), name.end(), [](char c) { return (c & 0xc0) != 0x80; });
  if (static_cast<size_t>(characters) <= kNameCharactersMax) {
    return absl::OkStatus();
  }
  return value.Error(
      absl::StrCat("is longer than ", kNameCharactersMax, " characters"));
}

absl::Status CountElements(JsonValue& array, int* count) {
  if (!array.IsArray()) return array.Error("expected an array");
  *count = 0;
  return array.EachElement([&](JsonValue&) {
    ++*count;
    return absl::OkStatus();
  });
}

absl::Status ScanTools(JsonValue& value, RequestScan* scan) {
  if (value.IsArray()) {
    GATEWAY_RETURN_IF_ERROR(CountElements(value, &scan->tool_count));
  } else if (value.IsObject()) {
    scan->tool_count = 1;
  }
  scan->has_tools = scan->tool_count > 0;
  return absl::OkStatus();
}

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
  // Escapes make it longer, twelve bytes at most for a character.
  if (raw.size() > 12 * kNameCharactersMax + 2) {
    return value.Error(
        absl::StrCat("is longer than ", kNameCharactersMax, " characters"));
  }
  scan->model_value = {.offset = static_cast<size_t>(raw.data() - body.data()),
                       .length = raw.size()};
  absl::StatusOr<std::string> model = Unescape(raw);
  if (!model.ok()) return value.Error(JsonErrorDescription(model.status()));
  GATEWAY_RETURN_IF_ERROR(CheckNameLength(value, *model));
  scan->model = *std::move(model);
  return absl::OkStatus();
}

}  // namespace gateway::wire
