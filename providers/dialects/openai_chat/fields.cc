#include "providers/dialects/openai_chat/fields.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/fnv1a.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/key_case.h"

namespace gateway::chat {
namespace {

// Returns whether a service may take `key` for one of the names.
bool Contains(absl::Span<const std::string_view> names, std::string_view key) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
    return wire::IsTakenFor(key, name);
  });
}

// Checks that an extension is one JSON value: a caller of gRPC may put any text
// into it, which could reach into the fields around it.
absl::Status CheckExtension(const v1::Extension& extension) {
  const absl::Status status = CheckJson(extension.json());
  if (status.ok()) return status;
  return InvalidField(absl::StrCat("extensions[", extension.name(), "].json"),
                      ToStd(status.message()));
}

}  // namespace

std::string MadeUpCallId(std::string_view answer_id, int64_t created_seconds,
                         int32_t choice, int32_t call, std::string_view name) {
  const std::string what =
      absl::StrCat(ToAbsl(answer_id), "\n", created_seconds, "\n", choice,
                   "\n", call, "\n", ToAbsl(name));
  return absl::StrCat("call_", absl::Hex(Fnv1a(what), absl::kZeroPad16));
}

absl::Status ReadString(JsonValue& value, std::string* text) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view read, value.String());
  text->assign(read);
  return absl::OkStatus();
}

absl::Status ReadBase64String(JsonValue& value, std::string* bytes) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
  if (!ReadBase64(text, bytes)) return value.Error("expected base64");
  return absl::OkStatus();
}

absl::Status KeepField(std::string_view name, JsonValue& value,
                       ExtensionList* extensions) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  AddExtension(extensions, name, raw);
  return absl::OkStatus();
}

absl::Status Leftovers::Keep(std::string_view key, JsonValue& value) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  KeepText(key, raw);
  return absl::OkStatus();
}

void Leftovers::KeepText(std::string_view key, std::string_view json) {
  fields_.append(fields_.empty() ? "{" : ",");
  JsonWriter(&fields_).String(key);
  fields_.append(":").append(json);
}

void Leftovers::AddTo(std::string_view name, ExtensionList* extensions) const {
  if (!fields_.empty()) AddExtension(extensions, name, fields_ + "}");
}

absl::Status WriteExtensions(const ExtensionList& extensions,
                             absl::Span<const std::string_view> taken,
                             JsonWriter& json, DroppedFields& dropped) {
  dropped.Foreign("", extensions);
  for (const v1::Extension& extension : extensions) {
    if (extension.dialect() != kDialect) continue;
    if (Contains(taken, extension.name())) continue;
    GATEWAY_RETURN_IF_ERROR(CheckExtension(extension));
    json.RawField(extension.name(), extension.json());
  }
  return absl::OkStatus();
}

absl::Status MergeLeftovers(const ExtensionList& extensions,
                            std::string_view name,
                            absl::Span<const std::string_view> taken,
                            JsonWriter& json) {
  const v1::Extension* extension = FindExtension(extensions, name);
  if (extension == nullptr) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(CheckExtension(*extension));
  if (extension->json().find('{') == std::string::npos) return absl::OkStatus();
  absl::Status status = ReadJson(extension->json(), [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (Contains(taken, key)) return absl::OkStatus();
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
          json.RawField(key, raw);
          return absl::OkStatus();
        });
  });
  if (status.ok()) return status;
  return InvalidField(absl::StrCat("extensions[", extension->name(), "].json"),
                      ToStd(status.message()));
}

}  // namespace gateway::chat
