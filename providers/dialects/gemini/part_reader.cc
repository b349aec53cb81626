#include "providers/dialects/gemini/part_reader.h"

#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/compact_json.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "providers/dialects/object_fields.h"

namespace gateway::gemini {
namespace {

// Addresses at this host name files that nobody but Google can read.
constexpr std::string_view kFilesHost =
    "https://generativelanguage.googleapis.com/";

bool IsImage(std::string_view mime_type) {
  return absl::StartsWithIgnoreCase(ToAbsl(mime_type), "image/");
}

// Returns whether the type is that of a document: neither picture, sound nor
// film.
bool IsDocument(std::string_view mime_type) {
  for (const std::string_view other : {"image/", "audio/", "video/"}) {
    if (absl::StartsWithIgnoreCase(ToAbsl(mime_type), ToAbsl(other))) {
      return false;
    }
  }
  return !mime_type.empty();
}

// Reads bytes. `modelled` receives whether the contract has such a part.
absl::Status ReadInlineData(std::string_view json, std::string_view path,
                            v1::Part* part, bool* modelled) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  std::string mime_type;
  std::string data;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("mimeType", &mime_type));
  GATEWAY_RETURN_IF_ERROR(fields.Text("data", &data));
  std::string bytes;
  if (!ReadAnyBase64(data, &bytes)) {
    return fields.Fault("data", "not valid base64");
  }
  const std::string_view format = AudioFormatOf(mime_type);
  if (IsImage(mime_type)) {
    part->mutable_image()->set_media_type(mime_type);
    part->mutable_image()->set_data(std::move(bytes));
  } else if (!format.empty()) {
    part->mutable_audio()->set_format(std::string(format));
    part->mutable_audio()->set_data(std::move(bytes));
    if (MimeTypeOfAudio(format) != mime_type) {
      AddExtension(part->mutable_extensions(), "inlineData.mimeType",
                   Quoted(mime_type));
    }
  } else if (IsDocument(mime_type)) {
    part->mutable_document()->set_media_type(mime_type);
    part->mutable_document()->set_data(std::move(bytes));
  } else {
    *modelled = false;
    return absl::OkStatus();
  }
  fields.Rest(part->mutable_extensions(), "inlineData");
  return absl::OkStatus();
}

template <typename Media>
void SetAddress(std::string_view uri, std::string_view mime_type,
                Media* media) {
  if (!mime_type.empty()) media->set_media_type(std::string(mime_type));
  if (uri.starts_with(kFilesHost)) {
    media->set_file_id(std::string(uri));
  } else {
    media->set_url(std::string(uri));
  }
}

absl::Status ReadFileData(std::string_view json, std::string_view path,
                          v1::Part* part, bool* modelled) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  std::string mime_type;
  std::string uri;
  GATEWAY_RETURN_IF_ERROR(fields.Text("mimeType", &mime_type));
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("fileUri", &uri));
  if (IsImage(mime_type)) {
    SetAddress(uri, mime_type, part->mutable_image());
  } else if (IsDocument(mime_type)) {
    SetAddress(uri, mime_type, part->mutable_document());
  } else {
    *modelled = false;
    return absl::OkStatus();
  }
  fields.Rest(part->mutable_extensions(), "fileData");
  return absl::OkStatus();
}

// Returns whether a call says that more of it comes, or is a later piece of
// another.
bool IsPieceOfCall(const v1::Part& part) {
  return FindExtension(part.extensions(), kPartialArguments) != nullptr ||
         FindExtension(part.extensions(), kWillContinue) != nullptr;
}

absl::Status ReadFunctionCall(std::string_view json, std::string_view path,
                              v1::Part* part) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  v1::ToolCall* call = part->mutable_tool_call();
  GATEWAY_RETURN_IF_ERROR(fields.Text("id", call->mutable_id()));
  GATEWAY_RETURN_IF_ERROR(fields.Text("name", call->mutable_name()));
  const std::string args = fields.Json("args");
  if (!args.empty() && args.front() != '{') {
    return fields.Fault("args", "expected an object");
  }
  call->set_arguments(args.empty() ? "{}" : CompactJson(args));
  call->set_kind(v1::TOOL_KIND_FUNCTION);
  fields.Rest(part->mutable_extensions(), "functionCall");
  // Later pieces of a call do not repeat its name, and the last one may say
  // nothing at all.
  const bool is_empty =
      json.find_first_not_of("{} \t\r\n") == std::string_view::npos;
  if (call->name().empty() && !IsPieceOfCall(*part) && !is_empty) {
    return fields.Fault("name", "required");
  }
  return absl::OkStatus();
}

// Takes the object of a result apart: a text under `output` or `error` is that
// text, anything else becomes the text of the whole object. An object that such
// a text would be mistaken for stays in its envelope.
absl::Status ReadFunctionOutput(std::string_view json, std::string_view path,
                                v1::ToolResult* result) {
  std::string text;
  bool is_plain = false;
  int fields_seen = 0;
  GATEWAY_RETURN_IF_ERROR(ReadNested(json, path, [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          ++fields_seen;
          const bool is_error = key == "error";
          if (is_error) result->set_is_error(true);
          if ((!is_error && key != "output") || !value.IsString()) {
            return absl::OkStatus();
          }
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view view, value.String());
          text = std::string(view);
          is_plain = true;
          return absl::OkStatus();
        });
  }));
  if (fields_seen == 1 && is_plain && !IsJsonObject(text)) {
    result->add_parts()->set_text(std::move(text));
  } else {
    result->add_parts()->set_text(std::string(json));
  }
  return absl::OkStatus();
}

absl::Status ReadFunctionResponse(std::string_view json, std::string_view path,
                                  v1::Part* part) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  v1::ToolResult* result = part->mutable_tool_result();
  GATEWAY_RETURN_IF_ERROR(fields.Text("id", result->mutable_tool_call_id()));
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("name", result->mutable_name()));
  const ObjectFields::Either output = fields.TextOrJson("response");
  if (output.text.has_value() ||
      (output.json.has_value() && output.json->front() != '{')) {
    return fields.Fault("response", "expected an object");
  }
  if (output.json.has_value()) {
    GATEWAY_RETURN_IF_ERROR(
        ReadFunctionOutput(*output.json, fields.PathOf("response"), result));
  }
  const ObjectFields::Either media = fields.TextOrJson("parts");
  if (media.json.has_value()) {
    GATEWAY_RETURN_IF_ERROR(
        ReadNested(*media.json, fields.PathOf("parts"), [&](JsonValue& list) {
          return list.EachElement([&](JsonValue& value) {
            return ReadPart(value, result->add_parts());
          });
        }));
  }
  fields.Rest(part->mutable_extensions(), "functionResponse");
  return absl::OkStatus();
}

absl::Status ReadTextPart(ObjectFields& fields, std::string_view text,
                          bool is_thought, v1::Part* part) {
  if (!is_thought) {
    part->set_text(std::string(text));
    return absl::OkStatus();
  }
  std::string signature;
  GATEWAY_RETURN_IF_ERROR(fields.Text("thoughtSignature", &signature));
  v1::Reasoning* reasoning = part->mutable_reasoning();
  reasoning->set_text(std::string(text));
  if (!signature.empty()) {
    reasoning->set_signature(SignatureOfWire(signature));
  }
  return absl::OkStatus();
}

// Reads the one field that holds the part's data.
absl::Status ReadData(ObjectFields& fields, bool is_thought, v1::Part* part,
                      bool* modelled) {
  const ObjectFields::Either text = fields.TextOrJson("text");
  if (text.json.has_value()) return fields.Fault("text", "expected a string");
  if (text.text.has_value()) {
    return ReadTextPart(fields, *text.text, is_thought, part);
  }
  if (is_thought) {
    *modelled = false;
    return absl::OkStatus();
  }
  const ObjectFields::Either call = fields.TextOrJson("functionCall");
  if (call.json.has_value()) {
    return ReadFunctionCall(*call.json, fields.PathOf("functionCall"), part);
  }
  const ObjectFields::Either result = fields.TextOrJson("functionResponse");
  if (result.json.has_value()) {
    return ReadFunctionResponse(*result.json, fields.PathOf("functionResponse"),
                                part);
  }
  const ObjectFields::Either data = fields.TextOrJson("inlineData");
  if (data.json.has_value()) {
    return ReadInlineData(*data.json, fields.PathOf("inlineData"), part,
                          modelled);
  }
  const ObjectFields::Either file = fields.TextOrJson("fileData");
  if (file.json.has_value()) {
    return ReadFileData(*file.json, fields.PathOf("fileData"), part, modelled);
  }
  *modelled = false;
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadPart(JsonValue& value, v1::Part* part) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  std::optional<bool> thought;
  GATEWAY_RETURN_IF_ERROR(fields.Bool("thought", &thought));
  bool modelled = true;
  GATEWAY_RETURN_IF_ERROR(
      ReadData(fields, thought.value_or(false), part, &modelled));
  if (!modelled) {
    part->Clear();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, value.VisitedRaw());
    part->mutable_opaque()->set_dialect(std::string(kDialect));
    part->mutable_opaque()->set_json(std::string(whole));
    return absl::OkStatus();
  }
  fields.Rest(part->mutable_extensions());
  return absl::OkStatus();
}

absl::Status EachOf(JsonValue& value,
                    absl::FunctionRef<absl::Status(JsonValue&)> visit) {
  return value.IsObject() ? visit(value) : value.EachElement(visit);
}

absl::Status ReadContent(JsonValue& value, Content* content) {
  if (value.IsNull()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  GATEWAY_RETURN_IF_ERROR(fields.Text("role", &content->role));
  const ObjectFields::Either parts = fields.TextOrJson("parts");
  if (parts.json.has_value()) {
    GATEWAY_RETURN_IF_ERROR(
        ReadNested(*parts.json, fields.PathOf("parts"), [&](JsonValue& list) {
          return EachOf(list, [&](JsonValue& part) -> absl::Status {
            if (content->parts.size() >= wire::kPartsLimit) {
              return part.Error("too many parts");
            }
            return ReadPart(part, content->parts.Add());
          });
        }));
  }
  fields.Rest(&content->extensions);
  return absl::OkStatus();
}

}  // namespace gateway::gemini
