#include "providers/dialects/gemini/schema.h"

#include <algorithm>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "providers/dialects/gemini/fields.h"

namespace gateway::gemini {
namespace {

// Keywords that are written as strings, since Protobuf writes 64-bit numbers
// so.
constexpr std::string_view kCounts[] = {"minItems",      "maxItems",
                                        "minLength",     "maxLength",
                                        "minProperties", "maxProperties"};

absl::Status Convert(JsonValue& schema, JsonWriter& json);

absl::Status ConvertCount(std::string_view key, JsonValue& value,
                          JsonWriter& json) {
  if (value.IsNull()) return absl::OkStatus();
  if (!value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
    json.RawField(key, raw);
    return absl::OkStatus();
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view digits, value.String());
  const bool is_number = !digits.empty() && digits.size() < 20 &&
                         std::all_of(
                             digits.begin(), digits.end(),
                             [](char c) { return absl::ascii_isdigit(c); }) &&
                         (digits.front() != '0' || digits.size() == 1);
  if (!is_number) return value.Error("expected a number");
  json.RawField(key, digits);
  return absl::OkStatus();
}

absl::Status ConvertChildren(std::string_view key, JsonValue& value,
                             JsonWriter& json) {
  if (value.IsNull()) return absl::OkStatus();
  if (value.IsObject() && key == "properties") {
    json.StartObjectField(key);
    GATEWAY_RETURN_IF_ERROR(
        value.EachField([&](std::string_view name, JsonValue& property) {
          json.Key(name);
          return Convert(property, json);
        }));
    json.EndObject();
    return absl::OkStatus();
  }
  if (value.IsArray()) {
    json.StartArrayField(key);
    GATEWAY_RETURN_IF_ERROR(value.EachElement(
        [&](JsonValue& element) { return Convert(element, json); }));
    json.EndArray();
    return absl::OkStatus();
  }
  json.Key(key);
  return Convert(value, json);
}

// Converts one field of a schema, its type excepted.
absl::Status ConvertField(std::string_view key, JsonValue& value,
                          JsonWriter& json) {
  if (key == "properties" || key == "items" || key == "anyOf") {
    return ConvertChildren(key, value, json);
  }
  if (std::find(std::begin(kCounts), std::end(kCounts), key) !=
      std::end(kCounts)) {
    return ConvertCount(key, value, json);
  }
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  json.RawField(key, raw);
  return absl::OkStatus();
}

// Writes the values that are allowed: null is one of them if it may be.
absl::Status WriteChoices(std::string_view choices, bool may_be_null,
                          JsonWriter& json) {
  bool has_null = false;
  json.StartArrayField("enum");
  GATEWAY_RETURN_IF_ERROR(ReadJson(choices, [&](JsonValue& list) {
    return list.EachElement([&](JsonValue& choice) -> absl::Status {
      has_null |= choice.IsNull();
      GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, choice.Raw());
      json.Raw(raw);
      return absl::OkStatus();
    });
  }));
  if (may_be_null && !has_null) json.Null();
  json.EndArray();
  return absl::OkStatus();
}

absl::Status Convert(JsonValue& schema, JsonWriter& json) {
  if (!schema.IsObject()) {  // `true` allows everything.
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, schema.Raw());
    json.Raw(raw);
    return absl::OkStatus();
  }
  std::string type;
  std::string choices;
  bool nullable = false;
  json.StartObject();
  GATEWAY_RETURN_IF_ERROR(schema.EachField(
      [&](std::string_view name, JsonValue& value) -> absl::Status {
        const std::string key = CamelCase(name);
        if (key == "type" && value.IsString()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view word, value.String());
          type = absl::AsciiStrToLower(ToAbsl(word));
          return absl::OkStatus();
        }
        if (key == "nullable" && !value.IsNull()) {
          GATEWAY_ASSIGN_OR_RETURN(nullable, value.Bool());
          return absl::OkStatus();
        }
        if (key == "enum" && value.IsArray()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          choices = std::string(raw);
          return absl::OkStatus();
        }
        return ConvertField(key, value, json);
      }));
  const bool has_type = !type.empty() && type != "type_unspecified";
  if (!choices.empty()) {
    GATEWAY_RETURN_IF_ERROR(
        WriteChoices(choices, /*may_be_null=*/nullable && has_type, json));
  }
  if (has_type) {
    if (nullable) {
      json.StartArrayField("type");
      json.String(type);
      json.String("null");
      json.EndArray();
    } else {
      json.StringField("type", type);
    }
  }
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> JsonSchemaOf(std::string_view schema,
                                         std::string_view path) {
  std::string converted;
  JsonWriter json(&converted);
  GATEWAY_RETURN_IF_ERROR(ReadNested(
      schema, path, [&](JsonValue& root) { return Convert(root, json); }));
  if (json.too_deep()) return InvalidField(path, "nested too deep");
  return converted;
}

}  // namespace gateway::gemini
