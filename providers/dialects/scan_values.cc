#include "providers/dialects/scan_values.h"

#include <cstddef>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/utf8.h"

namespace gateway::wire {
namespace {

// Returns what a JSON string says. Names rarely have escapes.
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
  // A shortcut: most names are shorter even in bytes.
  if (name.size() <= kNameCharactersMax) return absl::OkStatus();
  const size_t characters = CountCharacters(name);
  if (characters <= kNameCharactersMax) return absl::OkStatus();
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
  return absl::OkStatus();
}

absl::Status ReadText(JsonValue& value, std::string* text) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
  text->assign(view);
  return absl::OkStatus();
}

absl::Status ScanLabels(JsonValue& object, RequestScan* scan) {
  if (!object.IsObject()) return object.Error("expected an object");
  return object.EachField(
      [&](std::string_view key, JsonValue& value) -> absl::Status {
        ++scan->label_count;
        if (!value.IsString() || scan->label_count > kScannedLabelsMax) {
          return absl::OkStatus();
        }
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
        scan->labels.push_back({std::string(key), std::string(text)});
        return absl::OkStatus();
      });
}

void ScanObject(std::string_view body, RequestScan* scan) {
  scan->object_begin = body.find('{') + 1;
  const size_t first = body.find_first_not_of(" \t\r\n", scan->object_begin);
  scan->has_fields = first != std::string_view::npos && body[first] != '}';
}

void PlanModelEdit(const RequestScan& scan, std::string_view model,
                   EditPlan* plan) {
  if (scan.model == model) return;
  if (scan.model_value.length > 0) {
    JsonWriter(&plan->model).String(model);
    plan->edits.push_back({scan.model_value, plan->model});
    return;
  }
  plan->model = "\"model\":";
  JsonWriter(&plan->model).String(model);
  if (scan.has_fields) plan->model += ',';
  plan->edits.push_back({{.offset = scan.object_begin}, plan->model});
}

absl::Status ScanModel(JsonValue& value, std::string_view body,
                       RequestScan* scan) {
  if (!value.IsString()) return value.Error("expected a string");
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.RawUnchecked());
  // The raw text may be longer by its escapes: twelve bytes at most for a
  // character.
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
