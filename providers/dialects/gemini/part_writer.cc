#include "providers/dialects/gemini/part_writer.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/gemini/vendor_names.h"
#include "providers/dialects/named_signature.h"

namespace gateway::gemini {
namespace {

constexpr std::string_view kPartPlace = "messages[].parts[]";

std::string Below(std::string_view place, std::string_view field) {
  return absl::StrCat(ToAbsl(place), ".", ToAbsl(field));
}

// Returns the type of a picture by its address, where the caller did not tell
// it.
std::string_view ImageTypeOf(std::string_view url) {
  struct Ending {
    std::string_view ending;
    std::string_view mime_type;
  };
  constexpr Ending kEndings[] = {
      {".png", "image/png"},   {".jpg", "image/jpeg"},  {".jpeg", "image/jpeg"},
      {".webp", "image/webp"}, {".heic", "image/heic"}, {".gif", "image/gif"}};
  url = url.substr(0, url.find_first_of("?#"));
  for (const Ending& known : kEndings) {
    if (absl::EndsWithIgnoreCase(ToAbsl(url), ToAbsl(known.ending))) {
      return known.mime_type;
    }
  }
  return {};
}

// Returns whether there is sound that can be sent: its type must be known.
bool HasSound(const v1::Audio& audio) {
  return !audio.data().empty() && !MimeTypeOfAudio(audio.format()).empty();
}

}  // namespace

WireArgs WireArgsOf(const v1::ToolCall& call) {
  const std::string& arguments = call.arguments();
  if (call.kind() != v1::TOOL_KIND_CUSTOM) {
    const absl::string_view text = absl::StripAsciiWhitespace(arguments);
    if (text.empty()) return {.json = "{}", .wrapped = false};
    if (IsJsonObject(arguments)) {
      return {.json = std::string(text), .wrapped = false};
    }
  }
  WireArgs args{.json = {}, .wrapped = true};
  JsonWriter json(&args.json);
  json.StartObject();
  json.StringField(kFreeTextField, arguments);
  json.EndObject();
  return args;
}

bool PartWriter::Carries(const v1::Part& part) {
  switch (part.kind_case()) {
    case v1::Part::kText:
    case v1::Part::kImage:
    case v1::Part::kDocument:
    case v1::Part::kToolCall:
    case v1::Part::kToolResult:
    case v1::Part::kRefusal:
      return true;
    case v1::Part::kAudio:
      if (HasSound(part.audio())) return true;
      if (!part.audio().transcript().empty()) {
        dropped_.Changed(Below(kPartPlace, "audio"), "became its transcript");
        return true;
      }
      dropped_.LeftOut(Below(kPartPlace, "audio"));
      return false;
    case v1::Part::kReasoning:
      if (!part.reasoning().text().empty() ||
          part.reasoning().redacted_data().empty()) {
        return true;
      }
      dropped_.Changed(Below(kPartPlace, "reasoning.redacted_data"),
                       "left out: only its provider can read it");
      return false;
    case v1::Part::kOpaque:
      if (part.opaque().dialect() == kDialect) return true;
      dropped_.Changed(Below(kPartPlace, "opaque"),
                       absl::StrCat("left out: only ", part.opaque().dialect(),
                                    " knows this part"));
      return false;
    case v1::Part::KIND_NOT_SET:
      return false;
  }
  return false;
}

void PartWriter::ReportDroppedOfPart(const v1::Part& part) {
  dropped_.Foreign(kPartPlace, part.extensions());
  if (part.has_cache_hint()) {
    dropped_.LeftOut(Below(kPartPlace, "cache_hint"));
  }
  if (part.has_image() && !part.image().detail().empty() &&
      part.image().detail() != "auto") {
    dropped_.LeftOut(Below(kPartPlace, "image.detail"));
  }
  if (part.has_document()) {
    const v1::Document& document = part.document();
    for (const auto& [text, field] :
         {std::pair(&document.filename(), "document.filename"),
          std::pair(&document.title(), "document.title"),
          std::pair(&document.context(), "document.context")}) {
      if (!text->empty()) dropped_.LeftOut(Below(kPartPlace, field));
    }
    if (document.citations()) {
      dropped_.LeftOut(Below(kPartPlace, "document.citations"));
    }
  }
}

absl::Status PartWriter::Write(const v1::Part& part, std::string_view place,
                               JsonWriter& json, std::string_view filler) {
  ReportDroppedOfPart(part);
  if (part.has_opaque()) {
    if (absl::Status status = CheckJson(part.opaque().json()); !status.ok()) {
      return InvalidField(Below(place, "opaque.json"), ToStd(status.message()));
    }
    json.Raw(part.opaque().json());
    return absl::OkStatus();
  }
  ObjectWriter object(kFormat, json);
  GATEWAY_RETURN_IF_ERROR(WriteKind(part, place, object));
  GATEWAY_RETURN_IF_ERROR(object.Extensions(part.extensions(), place));
  if (!filler.empty() && !object.Has("thoughtSignature")) {
    object.Text("thoughtSignature", filler);
  }
  object.End();
  return absl::OkStatus();
}

absl::Status PartWriter::WriteKind(const v1::Part& part, std::string_view place,
                                   ObjectWriter& object) {
  switch (part.kind_case()) {
    case v1::Part::kText:
      object.Text("text", part.text());
      return absl::OkStatus();
    case v1::Part::kRefusal:
      object.Text("text", part.refusal());
      return absl::OkStatus();
    case v1::Part::kImage:
      return WriteImage(part, place, object);
    case v1::Part::kDocument:
      return WriteDocument(part, place, object);
    case v1::Part::kAudio:
      return WriteAudio(part, place, object);
    case v1::Part::kToolCall:
      return WriteToolCall(part, place, object);
    case v1::Part::kToolResult:
      return WriteToolResult(part, place, object);
    case v1::Part::kReasoning:
      WriteReasoning(part.reasoning(), object);
      return absl::OkStatus();
    default:
      return InvalidField(place, "a part is empty");
  }
}

absl::Status PartWriter::WriteInlineData(std::string_view mime_type,
                                         std::string_view bytes,
                                         const v1::Part& part,
                                         std::string_view place,
                                         ObjectWriter& object) {
  ObjectWriter data(kFormat, object.Field("inlineData"));
  if (FindExtension(part.extensions(), "inlineData.mimeType") == nullptr) {
    data.Text("mimeType", mime_type);
  }
  data.Text("data", Base64(bytes));
  GATEWAY_RETURN_IF_ERROR(
      data.Extensions(part.extensions(), place, "inlineData"));
  data.End();
  return absl::OkStatus();
}

absl::Status PartWriter::WriteFileData(std::string_view mime_type,
                                       std::string_view uri,
                                       const v1::Part& part,
                                       std::string_view place,
                                       ObjectWriter& object) {
  ObjectWriter data(kFormat, object.Field("fileData"));
  data.Text("fileUri", uri);
  if (!mime_type.empty()) data.Text("mimeType", mime_type);
  GATEWAY_RETURN_IF_ERROR(
      data.Extensions(part.extensions(), place, "fileData"));
  data.End();
  return absl::OkStatus();
}

absl::Status PartWriter::WriteImage(const v1::Part& part,
                                    std::string_view place,
                                    ObjectWriter& object) {
  const v1::Image& image = part.image();
  switch (image.source_case()) {
    case v1::Image::kUrl:
      return WriteFileData(image.media_type().empty()
                               ? ImageTypeOf(image.url())
                               : std::string_view(image.media_type()),
                           image.url(), part, place, object);
    case v1::Image::kFileId:
      return WriteFileData(image.media_type(), image.file_id(), part, place,
                           object);
    case v1::Image::kData:
      if (image.media_type().empty()) {
        return InvalidField(Below(place, "image.media_type"), "required");
      }
      return WriteInlineData(image.media_type(), image.data(), part, place,
                             object);
    case v1::Image::SOURCE_NOT_SET:
      break;
  }
  return InvalidField(Below(place, "image.source"), "required");
}

absl::Status PartWriter::WriteDocument(const v1::Part& part,
                                       std::string_view place,
                                       ObjectWriter& object) {
  const v1::Document& document = part.document();
  const bool is_text = document.has_text();
  const std::string_view mime_type =
      !document.media_type().empty() ? std::string_view(document.media_type())
      : is_text                      ? "text/plain"
                                     : "application/pdf";
  switch (document.source_case()) {
    case v1::Document::kUrl:
      return WriteFileData(mime_type, document.url(), part, place, object);
    case v1::Document::kFileId:
      return WriteFileData(document.media_type(), document.file_id(), part,
                           place, object);
    case v1::Document::kData:
      return WriteInlineData(mime_type, document.data(), part, place, object);
    case v1::Document::kText:
      return WriteInlineData(mime_type, document.text(), part, place, object);
    case v1::Document::SOURCE_NOT_SET:
      break;
  }
  return InvalidField(Below(place, "document.source"), "required");
}

absl::Status PartWriter::WriteAudio(const v1::Part& part,
                                    std::string_view place,
                                    ObjectWriter& object) {
  const v1::Audio& audio = part.audio();
  if (!HasSound(audio)) {
    object.Text("text", audio.transcript());
    return absl::OkStatus();
  }
  return WriteInlineData(MimeTypeOfAudio(audio.format()), audio.data(), part,
                         place, object);
}

absl::Status PartWriter::WriteToolCall(const v1::Part& part,
                                       std::string_view place,
                                       ObjectWriter& object) {
  const v1::ToolCall& call = part.tool_call();
  names_[call.id()] = call.name();
  const WireArgs args = WireArgsOf(call);
  if (args.wrapped) {
    dropped_.Changed(Below(kPartPlace, "tool_call.arguments"),
                     "not a JSON object; became the `input` of one");
  }
  ObjectWriter wire(kFormat, object.Field("functionCall"));
  if (!call.id().empty() && !IsMadeUpCallId(call.id())) {
    wire.Text("id", call.id());
  }
  wire.Text("name", call.name());
  wire.Field("args").Raw(args.json);
  GATEWAY_RETURN_IF_ERROR(
      wire.Extensions(part.extensions(), place, "functionCall"));
  wire.End();
  return absl::OkStatus();
}

absl::Status PartWriter::WriteOutput(const v1::ToolResult& result,
                                     std::string_view text,
                                     ObjectWriter& object) {
  JsonWriter& json = object.Field("response");
  if (IsJsonObject(text)) {
    bool has_error = false;
    GATEWAY_RETURN_IF_ERROR(ReadJson(text, [&](JsonValue& root) {
      return root.EachField([&](std::string_view key, JsonValue&) {
        has_error |= key == "error";
        return absl::OkStatus();
      });
    }));
    if (!result.is_error() || has_error) {
      json.Raw(text);
      return absl::OkStatus();
    }
  }
  json.StartObject();
  json.StringField(result.is_error() ? "error" : "output", text);
  json.EndObject();
  return absl::OkStatus();
}

absl::Status PartWriter::WriteToolResult(const v1::Part& part,
                                         std::string_view place,
                                         ObjectWriter& object) {
  const v1::ToolResult& result = part.tool_result();
  std::string name = result.name();
  const auto named = names_.find(result.tool_call_id());
  if (name.empty() && named != names_.end()) name = named->second;
  if (name.empty()) {
    return InvalidField(Below(place, "tool_result.name"),
                        "required: no earlier call has this id");
  }
  std::string text;
  std::vector<const v1::Part*> media;
  for (const v1::Part& piece : result.parts()) {
    if (piece.has_text()) {
      text.append(piece.text());
    } else if (Carries(piece)) {
      media.push_back(&piece);
    }
  }
  ObjectWriter wire(kFormat, object.Field("functionResponse"));
  if (!result.tool_call_id().empty() &&
      !IsMadeUpCallId(result.tool_call_id())) {
    wire.Text("id", result.tool_call_id());
  }
  wire.Text("name", name);
  GATEWAY_RETURN_IF_ERROR(WriteOutput(result, text, wire));
  if (!media.empty()) {
    JsonWriter& json = wire.Field("parts");
    json.StartArray();
    for (const v1::Part* piece : media) {
      GATEWAY_RETURN_IF_ERROR(Write(*piece, Below(place, "tool_result"), json));
    }
    json.EndArray();
  }
  GATEWAY_RETURN_IF_ERROR(
      wire.Extensions(part.extensions(), place, "functionResponse"));
  wire.End();
  return absl::OkStatus();
}

void PartWriter::WriteReasoning(const v1::Reasoning& reasoning,
                                ObjectWriter& object) {
  object.Text("text", reasoning.text());
  object.Bool("thought", true);
  if (reasoning.signature().empty()) return;
  std::string_view own;
  if (side_ == Side::kAnswer) {
    const std::string signature = WireOfSignature(reasoning.signature());
    if (!signature.empty()) object.Text("thoughtSignature", signature);
  } else if (ReadNamedSignature(reasoning.signature(), kDialect, &own)) {
    object.Text("thoughtSignature", own);
  } else {
    dropped_.Changed(Below(kPartPlace, "reasoning.signature"),
                     "left out: not of this provider");
  }
}

}  // namespace gateway::gemini
