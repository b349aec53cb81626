#include "providers/dialects/object_fields.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/bounded_reading.h"
#include "providers/dialects/key_case.h"

namespace gateway::wire {
namespace {

// Returns what follows `prefix.` in `name`; empty if it does not begin so.
std::string_view Below(std::string_view prefix, std::string_view name) {
  if (name.size() <= prefix.size() + 1 || !name.starts_with(prefix) ||
      name[prefix.size()] != '.') {
    return {};
  }
  return name.substr(prefix.size() + 1);
}

std::string Join(std::string_view place, std::string_view path) {
  if (place.empty()) return std::string(path);
  if (path.empty()) return std::string(place);
  return absl::StrCat(ToAbsl(place), path.front() == '[' ? "" : ".",
                      ToAbsl(path));
}

}  // namespace

bool IsNested(const ObjectFormat& format, std::string_view name) {
  return std::any_of(
      format.nested_objects.begin(), format.nested_objects.end(),
      [&](std::string_view prefix) { return !Below(prefix, name).empty(); });
}

std::string CamelCase(std::string_view name) {
  std::string camel;
  camel.reserve(name.size());
  bool capital = false;
  for (const char c : name) {
    if (c == '_' && !camel.empty()) {
      capital = true;
      continue;
    }
    camel.push_back(capital ? absl::ascii_toupper(c) : c);
    capital = false;
  }
  return camel;
}

absl::Status ReadText(JsonValue& value, std::string* text) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
  text->assign(view);
  return absl::OkStatus();
}

std::string Quoted(std::string_view text) {
  std::string quoted;
  JsonWriter(&quoted).String(text);
  return quoted;
}

absl::Status AsFieldFault(const absl::Status& status, std::string_view place) {
  if (status.ok() || !FieldViolations(status).empty()) return status;
  return InvalidField(Join(place, JsonErrorPath(status)),
                      JsonErrorDescription(status));
}

absl::Status AsBadResponse(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument) return status;
  // What the provider says of its own failure stays.
  if (FaultReason(status) != v1::ERROR_REASON_INVALID_REQUEST) return status;
  return MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                   absl::StrCat("the provider's answer: ", status.message()));
}

absl::Status ReadNested(std::string_view raw, std::string_view path,
                        absl::FunctionRef<absl::Status(JsonValue&)> visit) {
  const absl::Status status = ReadJson(raw, visit);
  const auto violations = FieldViolations(status);
  if (violations.empty()) return AsFieldFault(status, path);
  return InvalidField(Join(path, violations.front().first),
                      violations.front().second);
}

void AddExtension(const ObjectFormat& format, ExtensionList* extensions,
                  std::string_view name, std::string_view json) {
  CountReadMemory(kExtensionMemoryBytes);
  v1::Extension* extension = extensions->Add();
  extension->set_dialect(format.dialect.data(), format.dialect.size());
  extension->set_name(name.data(), name.size());
  extension->set_json(json.data(), json.size());
}

const v1::Extension* FindExtension(const ObjectFormat& format,
                                   const ExtensionList& extensions,
                                   std::string_view name) {
  for (const v1::Extension& extension : extensions) {
    if (extension.dialect() == format.dialect && extension.name() == name) {
      return &extension;
    }
  }
  return nullptr;
}

absl::StatusOr<ObjectFields> ObjectFields::Read(const ObjectFormat& format,
                                                JsonValue& object) {
  ObjectFields fields(format, object.Path());
  GATEWAY_RETURN_IF_ERROR(AsFieldFault(
      object.EachField([&](std::string_view key, JsonValue& value) {
        return fields.Add(key, value);
      })));
  return fields;
}

absl::StatusOr<ObjectFields> ObjectFields::ReadRaw(const ObjectFormat& format,
                                                   std::string_view raw,
                                                   std::string_view path) {
  ObjectFields fields(format, std::string(path));
  GATEWAY_RETURN_IF_ERROR(ReadNested(raw, path, [&](JsonValue& root) {
    return root.EachField([&](std::string_view key, JsonValue& value) {
      return fields.Add(key, value);
    });
  }));
  return fields;
}

bool ObjectFields::IsTextKey(std::string_view key) const {
  return std::find(format_->text_keys.begin(), format_->text_keys.end(), key) !=
         format_->text_keys.end();
}

absl::Status ObjectFields::Add(std::string_view name, JsonValue& value) {
  const std::string key =
      format_->camel_case ? CamelCase(name) : std::string(name);
  if (Find(key) != nullptr) return value.Error("repeated key");
  // Refused, since its extension would be taken for a field of the nested
  // object.
  if (IsNested(*format_, key)) return value.Error("no such field");
  if (fields_.size() == kObjectFieldsLimit) {
    return value.Error("too many fields");
  }
  Field& field = fields_.emplace_back();
  field.key = key;
  if (IsTextKey(key) && value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
    field.text = std::string(text);
    field.is_text = true;
    if (key == "type") type_ = field.text;
  } else {
    GATEWAY_ASSIGN_OR_RETURN(field.json, value.Raw());
  }
  return absl::OkStatus();
}

ObjectFields::Field* ObjectFields::Find(std::string_view key) {
  for (Field& field : fields_) {
    if (field.key == key) return &field;
  }
  return nullptr;
}

std::string ObjectFields::PathOf(std::string_view key) const {
  return Join(path_, key);
}

absl::Status ObjectFields::Fault(std::string_view key,
                                 std::string_view description) const {
  return InvalidField(PathOf(key), description);
}

absl::Status ObjectFields::Text(std::string_view key, std::string* text) {
  assert(IsTextKey(key));
  Field* field = Find(key);
  if (field == nullptr) return absl::OkStatus();
  field->taken = true;
  if (field->is_text) {
    *text = std::move(field->text);
  } else if (!field->IsNull()) {
    return Fault(key, "expected a string");
  }
  return absl::OkStatus();
}

absl::Status ObjectFields::RequiredText(std::string_view key,
                                        std::string* text) {
  assert(IsTextKey(key));
  Field* field = Find(key);
  if (field == nullptr) return Fault(key, "required");
  if (!field->is_text) return Fault(key, "expected a string");
  field->taken = true;
  *text = std::move(field->text);
  return absl::OkStatus();
}

absl::Status ObjectFields::Bool(std::string_view key,
                                std::optional<bool>* truth) {
  Field* field = Find(key);
  if (field == nullptr) return absl::OkStatus();
  field->taken = true;
  if (field->IsNull()) return absl::OkStatus();
  if (field->json != "true" && field->json != "false") {
    return Fault(key, "expected true or false");
  }
  *truth = field->json == "true";
  return absl::OkStatus();
}

absl::Status ObjectFields::Int32(std::string_view key,
                                 std::optional<int32_t>* number) {
  Field* field = Find(key);
  if (field == nullptr) return absl::OkStatus();
  field->taken = true;
  if (field->IsNull()) return absl::OkStatus();
  if (field->is_text) return Fault(key, "expected an integer");
  // In brackets, since a reading begins with an object or an array.
  const std::string wrapped = absl::StrCat("[", ToAbsl(field->json), "]");
  const absl::Status status = ReadJson(wrapped, [&](JsonValue& root) {
    return root.EachElement([&](JsonValue& value) -> absl::Status {
      GATEWAY_ASSIGN_OR_RETURN(
          *number, value.Int32(0, std::numeric_limits<int32_t>::max()));
      return absl::OkStatus();
    });
  });
  if (!status.ok()) return Fault(key, JsonErrorDescription(status));
  return absl::OkStatus();
}

std::string ObjectFields::Json(std::string_view key) {
  Field* field = Find(key);
  if (field == nullptr) return {};
  field->taken = true;
  if (field->IsNull()) return {};
  return JsonOf(*field);
}

ObjectFields::Either ObjectFields::TextOrJson(std::string_view key) {
  Field* field = Find(key);
  if (field == nullptr) return {};
  field->taken = true;
  if (field->is_text) return {.text = field->text, .json = std::nullopt};
  if (field->IsNull()) return {};
  return {.text = std::nullopt, .json = field->json};
}

void ObjectFields::Rest(ExtensionList* extensions,
                        std::string_view prefix) const {
  for (const Field& field : fields_) {
    if (field.taken) continue;
    AddExtension(*format_, extensions, Join(prefix, field.key), JsonOf(field));
  }
}

bool ObjectFields::AllTaken() const {
  return std::all_of(fields_.begin(), fields_.end(),
                     [](const Field& field) { return field.taken; });
}

std::string ObjectFields::JsonOf(const Field& field) {
  return field.is_text ? Quoted(field.text) : std::string(field.json);
}

JsonWriter& ObjectWriter::Field(std::string_view key) {
  keys_.push_back(key);
  json_.Key(key);
  return json_;
}

void ObjectWriter::Text(std::string_view key, std::string_view text) {
  Field(key).String(text);
}

void ObjectWriter::Bool(std::string_view key, bool truth) {
  Field(key).Bool(truth);
}

void ObjectWriter::Int64(std::string_view key, int64_t number) {
  Field(key).Int64(number);
}

void ObjectWriter::Double(std::string_view key, double number) {
  Field(key).Double(number);
}

void ObjectWriter::Null(std::string_view key) { Field(key).Null(); }

absl::Status ObjectWriter::Json(std::string_view key, std::string_view json,
                                std::string_view place) {
  if (absl::Status status = CheckJson(json); !status.ok()) {
    return InvalidField(place, ToStd(status.message()));
  }
  Field(key).Raw(json);
  return absl::OkStatus();
}

bool ObjectWriter::Has(std::string_view key) const {
  if (format_.camel_case) {
    const std::string camel = CamelCase(key);
    return std::any_of(keys_.begin(), keys_.end(),
                       [&](std::string_view written) {
                         return IsTakenFor(camel, CamelCase(written));
                       });
  }
  return std::any_of(
      keys_.begin(), keys_.end(),
      [&](std::string_view written) { return IsTakenFor(key, written); });
}

absl::Status ObjectWriter::Extensions(const ExtensionList& extensions,
                                      std::string_view place,
                                      std::string_view prefix) {
  for (const v1::Extension& extension : extensions) {
    if (extension.dialect() != format_.dialect) continue;
    std::string_view key = extension.name();
    if (prefix.empty() ? IsNested(format_, key) : Below(prefix, key).empty())
      continue;
    if (!prefix.empty()) key = Below(prefix, key);
    const std::string name =
        absl::StrCat(Join(place, "extensions"), "[", ToAbsl(key), "]");
    if (key.empty()) return InvalidField(name, "required");
    if (Has(key)) {
      return InvalidField(name, "the request already has a field of this name");
    }
    GATEWAY_RETURN_IF_ERROR(Json(key, extension.json(), name));
  }
  return absl::OkStatus();
}

bool HasNestedExtension(const ObjectFormat& format,
                        const ExtensionList& extensions,
                        std::string_view prefix) {
  for (const v1::Extension& extension : extensions) {
    if (extension.dialect() == format.dialect &&
        !Below(prefix, extension.name()).empty()) {
      return true;
    }
  }
  return false;
}

}  // namespace gateway::wire
