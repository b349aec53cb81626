#include "providers/dialects/openai_chat/part_writer.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {
namespace {

// Fields that are written here, or whose leftovers are merged.
constexpr std::string_view kPartFields[] = {"type",        "text", "image_url",
                                            "input_audio", "file", "refusal"};
constexpr std::string_view kCallFields[] = {"id",       "type",   "index",
                                            "function", "custom", "audio"};

absl::Status WriteImage(const v1::Part& part, JsonWriter& json) {
  const v1::Image& image = part.image();
  json.StringField("type", "image_url");
  json.StartObjectField("image_url");
  json.StringField("url", image.has_data()
                              ? WriteDataUrl(image.media_type(), image.data())
                              : image.url());
  if (!image.detail().empty()) json.StringField("detail", image.detail());
  GATEWAY_RETURN_IF_ERROR(
      MergeLeftovers(part.extensions(), "image_url", {"url", "detail"}, json));
  json.EndObject();
  return absl::OkStatus();
}

absl::Status WriteInputAudio(const v1::Part& part, JsonWriter& json) {
  json.StringField("type", "input_audio");
  json.StartObjectField("input_audio");
  json.StringField("data", Base64(part.audio().data()));
  json.StringField("format", part.audio().format());
  GATEWAY_RETURN_IF_ERROR(MergeLeftovers(part.extensions(), "input_audio",
                                         {"data", "format"}, json));
  json.EndObject();
  return absl::OkStatus();
}

// Returns a name for the file: the format requires one for data, which other
// dialects do not.
std::string FileName(const v1::Document& document) {
  if (!document.filename().empty()) return document.filename();
  if (!document.title().empty()) return document.title();
  return document.media_type() == "application/pdf" ? "document.pdf"
                                                    : "document";
}

absl::Status WriteFile(const v1::Part& part, JsonWriter& json) {
  const v1::Document& document = part.document();
  json.StringField("type", "file");
  json.StartObjectField("file");
  if (document.has_file_id()) {
    json.StringField("file_id", document.file_id());
    if (!document.filename().empty()) {
      json.StringField("filename", document.filename());
    }
  } else {
    json.StringField("filename", FileName(document));
    json.StringField("file_data", document.media_type().empty()
                                      ? Base64(document.data())
                                      : WriteDataUrl(document.media_type(),
                                                     document.data()));
  }
  GATEWAY_RETURN_IF_ERROR(MergeLeftovers(
      part.extensions(), "file", {"file_id", "filename", "file_data"}, json));
  json.EndObject();
  return absl::OkStatus();
}

void ReportDroppedOfDocument(const v1::Document& document,
                             DroppedFields& dropped) {
  if (!document.context().empty()) {
    dropped.Changed("document.context", "not carried by Chat Completions");
  }
  if (document.citations()) {
    dropped.Changed("document.citations", "not carried by Chat Completions");
  }
}

absl::Status WriteToolCall(const v1::Part& part, bool to_caller,
                           JsonWriter& json, DroppedFields& dropped) {
  const v1::ToolCall& call = part.tool_call();
  const bool custom = call.kind() == v1::TOOL_KIND_CUSTOM;
  const std::string_view kind = custom ? "custom" : "function";
  const std::string_view arguments = custom ? "input" : "arguments";
  json.StartObject();
  json.StringField("id", call.id());
  json.StringField("type", kind);
  json.StartObjectField(kind);
  json.StringField("name", call.name());
  json.StringField(arguments, call.arguments());
  GATEWAY_RETURN_IF_ERROR(
      MergeLeftovers(part.extensions(), kind, {"name", arguments}, json));
  json.EndObject();
  if (to_caller) WriteGoogleSignature(part.extensions(), json);
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(part.extensions(), kCallFields, json, dropped));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace

bool HasPlace(const v1::Part& part, bool text_only, DroppedFields& dropped) {
  constexpr std::string_view kLeftOut = "not carried by Chat Completions here";
  switch (part.kind_case()) {
    case v1::Part::kText:
      return true;
    case v1::Part::kImage:
      if (!text_only && !part.image().has_file_id()) return true;
      dropped.Changed("image", kLeftOut);
      return false;
    case v1::Part::kDocument:
      ReportDroppedOfDocument(part.document(), dropped);
      if (part.document().has_text()) return true;
      if (!text_only && !part.document().has_url()) return true;
      dropped.Changed(part.document().has_url() ? "document.url" : "document",
                      kLeftOut);
      return false;
    case v1::Part::kAudio:
      if (!text_only) return true;
      dropped.Changed("audio", kLeftOut);
      return false;
    case v1::Part::kOpaque:
      if (part.opaque().dialect() == kDialect) return true;
      dropped.Changed("opaque",
                      absl::StrCat("content of ", part.opaque().dialect(),
                                   " that Chat Completions does not have; "
                                   "left out"));
      return false;
    case v1::Part::KIND_NOT_SET:
      return false;
    default:
      dropped.Changed("parts", kLeftOut);
      return false;
  }
}

absl::Status WritePart(const v1::Part& part, JsonWriter& json,
                       DroppedFields& dropped) {
  if (part.has_opaque()) {
    absl::Status status = CheckJson(part.opaque().json());
    if (!status.ok()) {
      return InvalidField("opaque.json", ToStd(status.message()));
    }
    json.Raw(part.opaque().json());
    return absl::OkStatus();
  }
  json.StartObject();
  if (part.has_image()) {
    GATEWAY_RETURN_IF_ERROR(WriteImage(part, json));
  } else if (part.has_audio()) {
    GATEWAY_RETURN_IF_ERROR(WriteInputAudio(part, json));
  } else if (part.has_document() && !part.document().has_text()) {
    GATEWAY_RETURN_IF_ERROR(WriteFile(part, json));
  } else {
    json.StringField("type", "text");
    json.StringField(
        "text", part.has_document() ? part.document().text() : part.text());
  }
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(part.extensions(), kPartFields, json, dropped));
  json.EndObject();
  return absl::OkStatus();
}

absl::Status WriteContent(const PartList& parts, bool text_only,
                          JsonWriter& json, DroppedFields& dropped) {
  PartList carried;
  for (const v1::Part* part : parts) {
    if (part->has_cache_hint()) {
      dropped.Changed("cache_hint", "OpenAI caches prompts of its own accord");
    }
    if (HasPlace(*part, text_only, dropped)) carried.push_back(part);
  }
  if (carried.empty()) {
    json.String("");
    return absl::OkStatus();
  }
  if (carried.size() == 1 && carried[0]->has_text() &&
      carried[0]->extensions().empty()) {
    json.String(carried[0]->text());
    return absl::OkStatus();
  }
  json.StartArray();
  for (const v1::Part* part : carried) {
    GATEWAY_RETURN_IF_ERROR(WritePart(*part, json, dropped));
  }
  json.EndArray();
  return absl::OkStatus();
}

void WriteGoogleSignature(const ExtensionList& extensions, JsonWriter& json) {
  for (const v1::Extension& extension : extensions) {
    if (extension.dialect() != kGoogleDialect ||
        extension.name() != kGoogleSignature ||
        !CheckJson(extension.json()).ok()) {
      continue;
    }
    json.StartObjectField("extra_content");
    json.StartObjectField("google");
    json.RawField("thought_signature", extension.json());
    json.EndObject();
    json.EndObject();
    return;
  }
}

absl::Status WriteToolCalls(const PartList& calls, bool to_caller,
                            JsonWriter& json, DroppedFields& dropped) {
  if (calls.empty()) return absl::OkStatus();
  json.StartArrayField("tool_calls");
  for (const v1::Part* call : calls) {
    GATEWAY_RETURN_IF_ERROR(WriteToolCall(*call, to_caller, json, dropped));
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status WriteImages(const PartList& images, JsonWriter& json,
                         DroppedFields& dropped) {
  if (images.empty()) return absl::OkStatus();
  json.StartArrayField("images");
  for (const v1::Part* image : images) {
    GATEWAY_RETURN_IF_ERROR(WritePart(*image, json, dropped));
  }
  json.EndArray();
  return absl::OkStatus();
}

}  // namespace gateway::chat
