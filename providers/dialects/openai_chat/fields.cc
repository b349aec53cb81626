#include "providers/dialects/openai_chat/fields.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/bounded_reading.h"
#include "providers/dialects/data_url.h"

namespace gateway {
namespace {

bool Contains(absl::Span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Checks that an extension is one JSON value: a caller of gRPC may put any text
// into it, which could reach into the fields around it.
absl::Status CheckExtension(const v1::Extension& extension) {
  const absl::Status status = CheckJson(extension.json());
  if (status.ok()) return status;
  return InvalidField(absl::StrCat("extensions[", extension.name(), "].json"),
                      ToStd(status.message()));
}

// Returns whether the error says who is to blame: a reader's own do not.
bool IsFault(const absl::Status& status) {
  return status.code() != absl::StatusCode::kInvalidArgument ||
         status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo")
             .has_value();
}

}  // namespace

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

void AddExtension(std::string_view name, std::string_view json,
                  Extensions* extensions) {
  CountReadMemory(kExtensionMemoryBytes);
  v1::Extension* extension = extensions->Add();
  extension->set_dialect(kOpenAiChatDialect.data(), kOpenAiChatDialect.size());
  extension->set_name(name.data(), name.size());
  extension->set_json(json.data(), json.size());
}

absl::Status KeepField(std::string_view name, JsonValue& value,
                       Extensions* extensions) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  AddExtension(name, raw, extensions);
  return absl::OkStatus();
}

absl::Status Leftovers::Keep(std::string_view key, JsonValue& value) {
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.Raw());
  fields_.append(fields_.empty() ? "{" : ",");
  JsonWriter(&fields_).String(key);
  fields_.append(":").append(raw);
  return absl::OkStatus();
}

void Leftovers::AddTo(std::string_view name, Extensions* extensions) const {
  if (!fields_.empty()) AddExtension(name, fields_ + "}", extensions);
}

void DroppedFields::Add(std::string_view field, std::string_view message) {
  if (warnings_ == nullptr) return;
  for (const v1::Warning& warning : *warnings_) {
    if (warning.field() == field && warning.message() == message) return;
  }
  v1::Warning& warning = warnings_->emplace_back();
  warning.set_field(std::string(field));
  warning.set_message(std::string(message));
}

absl::Status WriteExtensions(const Extensions& extensions,
                             absl::Span<const std::string_view> taken,
                             JsonWriter& json, DroppedFields& dropped) {
  for (const v1::Extension& extension : extensions) {
    if (extension.dialect() != kOpenAiChatDialect) {
      dropped.Add(absl::StrCat("extensions[", extension.name(), "]"),
                  absl::StrCat("a field of ", extension.dialect(),
                               " that Chat Completions does not have; left "
                               "out"));
      continue;
    }
    if (Contains(taken, extension.name())) continue;
    GATEWAY_RETURN_IF_ERROR(CheckExtension(extension));
    json.RawField(extension.name(), extension.json());
  }
  return absl::OkStatus();
}

absl::Status MergeLeftovers(const Extensions& extensions, std::string_view name,
                            absl::Span<const std::string_view> taken,
                            JsonWriter& json) {
  const v1::Extension* extension = FindExtension(extensions, name);
  if (extension == nullptr) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(CheckExtension(*extension));
  if (extension->json().find('{') == std::string::npos) return absl::OkStatus();
  absl::Status status =
      ReadJson(extension->json(), JsonPadding::kAbsent, [&](JsonValue& root) {
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

const v1::Extension* FindExtension(const Extensions& extensions,
                                   std::string_view name) {
  for (const v1::Extension& extension : extensions) {
    if (extension.name() == name && extension.dialect() == kOpenAiChatDialect) {
      return &extension;
    }
  }
  return nullptr;
}

absl::Status AsInvalidRequest(const absl::Status& status) {
  if (status.ok() || IsFault(status)) return status;
  const std::string path = JsonErrorPath(status);
  if (!path.empty()) return InvalidField(path, JsonErrorDescription(status));
  return MakeFault(v1::ERROR_REASON_INVALID_REQUEST, ToStd(status.message()));
}

absl::Status AsBadResponse(const absl::Status& status) {
  if (status.ok() || IsFault(status)) return status;
  return MakeFault(
      v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
      absl::StrCat("the answer cannot be understood: ", status.message()));
}

}  // namespace gateway
