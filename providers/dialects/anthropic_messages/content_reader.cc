#include "providers/dialects/anthropic_messages/content_reader.h"

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/object_fields.h"

namespace gateway::anthropic {
namespace {

// Fields of the `source` of an image or document.
struct Source {
  std::string type;
  std::string media_type;
  std::string data;
  std::string url;
  std::string file_id;
  // True if it has only the fields that its type requires.
  bool plain = false;
};

absl::StatusOr<Source> ReadSource(std::string_view json,
                                  std::string_view path) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::ReadRaw(kFormat, json, path));
  Source source;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &source.type));
  if (source.type == "base64" || source.type == "text") {
    GATEWAY_RETURN_IF_ERROR(
        fields.RequiredText("media_type", &source.media_type));
    GATEWAY_RETURN_IF_ERROR(fields.RequiredText("data", &source.data));
  } else if (source.type == "url") {
    GATEWAY_RETURN_IF_ERROR(fields.RequiredText("url", &source.url));
  } else if (source.type == "file") {
    GATEWAY_RETURN_IF_ERROR(fields.RequiredText("file_id", &source.file_id));
  } else {
    return source;
  }
  source.plain = fields.AllTaken();
  return source;
}

absl::Status Decode(const Source& source, std::string_view path,
                    std::string* bytes) {
  if (absl::Base64Unescape(source.data, bytes)) return absl::OkStatus();
  return AsFieldFault(absl::InvalidArgumentError("not valid base64"),
                      absl::StrCat(ToAbsl(path), ".data"));
}

// Reads `source` into an image or a document. `modelled` receives whether the
// contract has such a source.
template <typename Media>
absl::Status ReadMedia(std::string_view json, std::string_view path,
                       Media* media, bool* modelled) {
  GATEWAY_ASSIGN_OR_RETURN(const Source source, ReadSource(json, path));
  *modelled = source.plain;
  if (!source.plain) return absl::OkStatus();
  if (source.type == "base64") {
    media->set_media_type(source.media_type);
    return Decode(source, path, media->mutable_data());
  }
  if (source.type == "url") {
    media->set_url(source.url);
  } else if (source.type == "file") {
    media->set_file_id(source.file_id);
  } else if constexpr (std::is_same_v<Media, v1::Document>) {
    media->set_media_type(source.media_type);
    media->set_text(source.data);
  } else {
    *modelled = false;
  }
  return absl::OkStatus();
}

absl::Status ReadText(ObjectFields& fields, v1::Part* part) {
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("text", part->mutable_text()));
  const std::string citations = fields.Json("citations");
  if (citations.empty()) return absl::OkStatus();
  AddExtension(part->mutable_extensions(), "citations", citations);
  if (citations.front() != '[') return absl::OkStatus();
  return ReadNested(
      citations, fields.PathOf("citations"), [part](JsonValue& list) {
        return list.EachElement([part](JsonValue& citation) {
          return ReadMessagesCitation(citation, part->add_citations());
        });
      });
}

absl::Status ReadImage(ObjectFields& fields, v1::Part* part, bool* modelled) {
  const ObjectFields::Either source = fields.TextOrJson("source");
  if (!source.json.has_value()) return fields.Fault("source", "required");
  return ReadMedia(*source.json, fields.PathOf("source"), part->mutable_image(),
                   modelled);
}

// `citations` of a document is a switch, unlike that of a text.
absl::Status ReadDocumentCitations(ObjectFields& fields, v1::Part* part) {
  const ObjectFields::Either citations = fields.TextOrJson("citations");
  if (!citations.json.has_value()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields inner,
                           ObjectFields::ReadRaw(kFormat, *citations.json,
                                                 fields.PathOf("citations")));
  std::optional<bool> enabled;
  GATEWAY_RETURN_IF_ERROR(inner.Bool("enabled", &enabled));
  if (enabled.has_value() && inner.AllTaken()) {
    part->mutable_document()->set_citations(*enabled);
  } else {
    AddExtension(part->mutable_extensions(), "citations", *citations.json);
  }
  return absl::OkStatus();
}

absl::Status ReadDocument(ObjectFields& fields, v1::Part* part,
                          bool* modelled) {
  const ObjectFields::Either source = fields.TextOrJson("source");
  if (!source.json.has_value()) return fields.Fault("source", "required");
  v1::Document* document = part->mutable_document();
  GATEWAY_RETURN_IF_ERROR(
      ReadMedia(*source.json, fields.PathOf("source"), document, modelled));
  if (!*modelled) return absl::OkStatus();
  GATEWAY_RETURN_IF_ERROR(fields.Text("title", document->mutable_title()));
  GATEWAY_RETURN_IF_ERROR(fields.Text("context", document->mutable_context()));
  return ReadDocumentCitations(fields, part);
}

absl::Status ReadToolUse(ObjectFields& fields, v1::Part* part) {
  v1::ToolCall* call = part->mutable_tool_call();
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("id", call->mutable_id()));
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("name", call->mutable_name()));
  const ObjectFields::Either input = fields.TextOrJson("input");
  if (!input.json.has_value()) return fields.Fault("input", "required");
  if (input.json->front() != '{') {
    return fields.Fault("input", "expected an object");
  }
  call->set_arguments(std::string(*input.json));
  call->set_kind(v1::TOOL_KIND_FUNCTION);
  return ReadCaller(fields, part->mutable_extensions());
}

absl::Status ReadToolResult(ObjectFields& fields, v1::Part* part) {
  v1::ToolResult* result = part->mutable_tool_result();
  GATEWAY_RETURN_IF_ERROR(
      fields.RequiredText("tool_use_id", result->mutable_tool_call_id()));
  std::optional<bool> is_error;
  GATEWAY_RETURN_IF_ERROR(fields.Bool("is_error", &is_error));
  result->set_is_error(is_error.value_or(false));
  const ObjectFields::Either content = fields.TextOrJson("content");
  if (content.text.has_value()) {
    result->add_parts()->set_text(std::string(*content.text));
  } else if (content.json.has_value()) {
    return ReadNested(*content.json, fields.PathOf("content"),
                      [&](JsonValue& blocks) {
                        return ReadContent(blocks, result->mutable_parts());
                      });
  }
  return absl::OkStatus();
}

absl::Status ReadThinking(ObjectFields& fields, v1::Part* part) {
  v1::Reasoning* reasoning = part->mutable_reasoning();
  GATEWAY_RETURN_IF_ERROR(
      fields.RequiredText("thinking", reasoning->mutable_text()));
  return fields.Text("signature", reasoning->mutable_signature());
}

// Reads the fields that the type calls for.
absl::Status ReadByType(ObjectFields& fields, v1::Part* part, bool* modelled) {
  const std::string_view type = fields.type();
  if (type == "text") return ReadText(fields, part);
  if (type == "tool_use") return ReadToolUse(fields, part);
  if (type == "tool_result") return ReadToolResult(fields, part);
  if (type == "thinking") return ReadThinking(fields, part);
  if (type == "redacted_thinking") {
    return fields.RequiredText(
        "data", part->mutable_reasoning()->mutable_redacted_data());
  }
  if (type == "image") return ReadImage(fields, part, modelled);
  if (type == "document") return ReadDocument(fields, part, modelled);
  *modelled = false;
  return absl::OkStatus();
}

}  // namespace

absl::Status ReadCaller(ObjectFields& fields, ExtensionList* extensions) {
  const ObjectFields::Either caller = fields.TextOrJson("caller");
  if (!caller.json.has_value()) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(
      ObjectFields inner,
      ObjectFields::ReadRaw(kFormat, *caller.json, fields.PathOf("caller")));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(inner.RequiredText("type", &type));
  if (type != "direct" || !inner.AllTaken()) {
    AddExtension(extensions, "caller", *caller.json);
  }
  return absl::OkStatus();
}

absl::Status ReadBlock(JsonValue& block, v1::Part* part) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, block));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  bool modelled = true;
  GATEWAY_RETURN_IF_ERROR(ReadByType(fields, part, &modelled));
  if (!modelled) {
    part->Clear();
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, block.VisitedRaw());
    part->mutable_opaque()->set_dialect(std::string(kDialect));
    part->mutable_opaque()->set_json(std::string(whole));
    return absl::OkStatus();
  }
  GATEWAY_RETURN_IF_ERROR(ReadCacheControl(fields, part));
  fields.Rest(part->mutable_extensions());
  return absl::OkStatus();
}

absl::Status ReadContent(JsonValue& content, PartList* parts) {
  if (content.IsNull()) return absl::OkStatus();
  if (content.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, content.String());
    parts->Add()->set_text(std::string(text));
    return absl::OkStatus();
  }
  return AsFieldFault(content.EachElement(
      [&](JsonValue& block) -> absl::Status {
        if (parts->size() >= wire::kPartsLimit) {
          return block.Error("too many parts");
        }
        return ReadBlock(block, parts->Add());
      }));
}

}  // namespace gateway::anthropic
