#include "providers/dialects/anthropic_messages/content_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/fnv1a.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "providers/dialects/anthropic_messages/vendor_names.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/named_signature.h"

namespace gateway::anthropic {
namespace {

constexpr std::string_view kPartPlace = "messages[].parts[]";

bool IsIdCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
         c == '-';
}

// Returns the id of the nth call, from 1, that has this one in a conversation.
std::string NthToolId(std::string_view id, int nth) {
  if (nth <= 1) return WireToolId(id);
  return WireToolId(absl::StrCat(ToAbsl(id), "#", nth));
}

// Returns whether a text source can hold the document.
bool IsPlainText(const v1::Document& document) {
  return document.has_text() ||
         (document.has_data() && document.media_type().starts_with("text/") &&
          IsUtf8(document.data()));
}

bool HasOwnExtension(const v1::Part& part) {
  for (const v1::Extension& extension : part.extensions()) {
    if (extension.dialect() == kDialect) return true;
  }
  return false;
}

bool IsEmptyText(const v1::Part& part) {
  return (part.has_text() && part.text().empty()) ||
         (part.has_refusal() && part.refusal().empty());
}

std::string Below(std::string_view place, std::string_view field) {
  return absl::StrCat(ToAbsl(place), ".", ToAbsl(field));
}

}  // namespace

bool AreEmptyTexts(const std::vector<const v1::Part*>& parts) {
  return std::all_of(parts.begin(), parts.end(),
                     [](const v1::Part* part) { return IsEmptyText(*part); });
}

bool IsSigned(const v1::Reasoning& reasoning) {
  return (!reasoning.redacted_data().empty() &&
          !IsNamedSignature(reasoning.redacted_data())) ||
         (!reasoning.signature().empty() &&
          !IsNamedSignature(reasoning.signature()));
}

std::string WireToolId(std::string_view id) {
  std::string wire(id);
  bool changed = id.empty();
  for (char& c : wire) {
    if (IsIdCharacter(c)) continue;
    c = '_';
    changed = true;
  }
  if (!changed) return wire;
  return absl::StrCat(wire, wire.empty() ? "call" : "", "_",
                      absl::StrFormat("%016x", Fnv1a(id)));
}

WireInput WireInputOf(const v1::ToolCall& call) {
  const std::string& arguments = call.arguments();
  if (call.kind() != v1::TOOL_KIND_CUSTOM) {
    const absl::string_view text = absl::StripAsciiWhitespace(arguments);
    if (text.empty()) return {.json = "{}", .wrapped = false};
    if (text.front() == '{' && CheckJson(arguments).ok()) {
      return {.json = std::string(text), .wrapped = false};
    }
  }
  WireInput input{.json = {}, .wrapped = true};
  JsonWriter json(&input.json);
  json.StartObject();
  json.StringField(kFreeTextField, arguments);
  json.EndObject();
  return input;
}

bool ContentWriter::Carries(const v1::Part& part) {
  switch (part.kind_case()) {
    case v1::Part::kText:
    case v1::Part::kToolCall:
    case v1::Part::kToolResult:
    case v1::Part::kRefusal:
      return true;
    case v1::Part::kImage:
    case v1::Part::kDocument:
      // Not in an answer: none of its blocks holds such a part.
      if (side_ == Side::kRequest) return true;
      dropped_.LeftOut(part.has_image() ? "image" : "document");
      return false;
    case v1::Part::kAudio:
      if (!part.audio().transcript().empty()) {
        dropped_.Changed(absl::StrCat(ToAbsl(kPartPlace), ".audio"),
                         "became its transcript");
        return true;
      }
      dropped_.LeftOut(absl::StrCat(ToAbsl(kPartPlace), ".audio"));
      return false;
    case v1::Part::kReasoning:
      // Reasoning without a signature may stand in an answer but not in a
      // request: the provider refuses reasoning that it did not sign.
      if (side_ == Side::kAnswer || IsSigned(part.reasoning())) return true;
      dropped_.Changed(absl::StrCat(ToAbsl(kPartPlace), ".reasoning"),
                       "left out: it has no signature of this provider");
      return false;
    case v1::Part::kOpaque:
      if (part.opaque().dialect() == kDialect) return true;
      dropped_.Changed(absl::StrCat(ToAbsl(kPartPlace), ".opaque"),
                       absl::StrCat("left out: only ", part.opaque().dialect(),
                                    " knows this part"));
      return false;
    case v1::Part::KIND_NOT_SET:
      return false;
  }
  return false;
}

void ContentWriter::ReportDroppedOfPart(const v1::Part& part) {
  dropped_.Foreign(kPartPlace, part.extensions());
  if (part.has_image() && !part.image().detail().empty() &&
      part.image().detail() != "auto") {
    dropped_.LeftOut(absl::StrCat(ToAbsl(kPartPlace), ".image.detail"));
  }
}

absl::Status ContentWriter::WriteBlock(const v1::Part& part,
                                       std::string_view place,
                                       JsonWriter& json) {
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
  if (part.has_cache_hint() && side_ == Side::kRequest) {
    if (part.has_reasoning()) {
      dropped_.LeftOut(absl::StrCat(ToAbsl(kPartPlace), ".cache_hint"));
    } else {
      WriteCacheControl(part.cache_hint(), kPartPlace, object, dropped_);
    }
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(part.extensions(), place));
  if (side_ == Side::kAnswer) {
    // Newer clients require these keys, even if null.
    const bool is_text = part.has_text() || part.has_refusal();
    if (is_text && !object.Has("citations")) object.Null("citations");
    if (part.has_tool_call() && !object.Has("caller")) {
      ObjectWriter caller(kFormat, object.Field("caller"));
      caller.Text("type", "direct");
      caller.End();
    }
  }
  object.End();
  return absl::OkStatus();
}

absl::Status ContentWriter::WriteKind(const v1::Part& part,
                                      std::string_view place,
                                      ObjectWriter& object) {
  switch (part.kind_case()) {
    case v1::Part::kText:
      object.Text("type", "text");
      object.Text("text", part.text());
      return absl::OkStatus();
    case v1::Part::kRefusal:
      object.Text("type", "text");
      object.Text("text", part.refusal());
      return absl::OkStatus();
    case v1::Part::kAudio:
      object.Text("type", "text");
      object.Text("text", part.audio().transcript());
      return absl::OkStatus();
    case v1::Part::kImage:
      return WriteImage(part.image(), place, object);
    case v1::Part::kDocument:
      return WriteDocument(part.document(), place, object);
    case v1::Part::kToolCall:
      return WriteToolCall(part, object);
    case v1::Part::kToolResult:
      return WriteToolResult(part.tool_result(), place, object);
    case v1::Part::kReasoning:
      WriteReasoning(part.reasoning(), object);
      return absl::OkStatus();
    default:
      return InvalidField(place, "a part is empty");
  }
}

absl::Status ContentWriter::WriteImage(const v1::Image& image,
                                       std::string_view place,
                                       ObjectWriter& object) {
  object.Text("type", "image");
  ObjectWriter source(kFormat, object.Field("source"));
  switch (image.source_case()) {
    case v1::Image::kUrl:
      source.Text("type", "url");
      source.Text("url", image.url());
      break;
    case v1::Image::kFileId:
      source.Text("type", "file");
      source.Text("file_id", image.file_id());
      break;
    case v1::Image::kData:
      if (image.media_type().empty()) {
        return InvalidField(Below(place, "image.media_type"), "required");
      }
      source.Text("type", "base64");
      source.Text("media_type", image.media_type());
      source.Text("data", Base64(image.data()));
      break;
    case v1::Image::SOURCE_NOT_SET:
      return InvalidField(Below(place, "image.source"), "required");
  }
  source.End();
  return absl::OkStatus();
}

absl::Status ContentWriter::WriteDocument(const v1::Document& document,
                                          std::string_view place,
                                          ObjectWriter& object) {
  object.Text("type", "document");
  ObjectWriter source(kFormat, object.Field("source"));
  GATEWAY_RETURN_IF_ERROR(WriteDocumentSource(document, place, source));
  source.End();
  // The file's name stands in for a title, as the model would see it in other
  // formats.
  const std::string& title =
      document.title().empty() ? document.filename() : document.title();
  if (!title.empty()) object.Text("title", title);
  if (!document.context().empty()) object.Text("context", document.context());
  if (document.has_citations()) {
    ObjectWriter citations(kFormat, object.Field("citations"));
    citations.Bool("enabled", document.citations());
    citations.End();
  }
  return absl::OkStatus();
}

absl::Status ContentWriter::WriteDocumentSource(const v1::Document& document,
                                                std::string_view place,
                                                ObjectWriter& source) {
  if (IsPlainText(document)) {
    source.Text("type", "text");
    source.Text("media_type", "text/plain");
    source.Text("data",
                document.has_text() ? document.text() : document.data());
    return absl::OkStatus();
  }
  switch (document.source_case()) {
    case v1::Document::kUrl:
      source.Text("type", "url");
      source.Text("url", document.url());
      return absl::OkStatus();
    case v1::Document::kFileId:
      source.Text("type", "file");
      source.Text("file_id", document.file_id());
      return absl::OkStatus();
    case v1::Document::kData:
      // Only a PDF's bytes have a source.
      source.Text("type", "base64");
      source.Text("media_type", document.media_type().empty()
                                    ? "application/pdf"
                                    : std::string_view(document.media_type()));
      source.Text("data", Base64(document.data()));
      return absl::OkStatus();
    default:
      return InvalidField(Below(place, "document.source"), "required");
  }
}

std::string ContentWriter::IdOfCall(std::string_view id) {
  IdUses& uses = id_uses_[std::string(id)];
  if (std::exchange(uses.answered, false)) uses.results = uses.calls;
  return NthToolId(id, ++uses.calls);
}

std::string ContentWriter::IdOfResult(std::string_view id) {
  IdUses& uses = id_uses_[std::string(id)];
  uses.answered = true;
  if (uses.results < uses.calls) ++uses.results;
  return NthToolId(id, uses.results);
}

absl::Status ContentWriter::WriteToolCall(const v1::Part& part,
                                          ObjectWriter& object) {
  const v1::ToolCall& call = part.tool_call();
  const WireInput input = WireInputOf(call);
  if (input.wrapped) {
    dropped_.Changed(absl::StrCat(ToAbsl(kPartPlace), ".tool_call.arguments"),
                     "not a JSON object; became the `input` of one");
  }
  object.Text("type", "tool_use");
  // An answer's ids are kept, since the caller sends them back and they must be
  // the same then.
  const bool keep_id = side_ == Side::kAnswer && !call.id().empty();
  object.Text("id", keep_id ? call.id() : IdOfCall(call.id()));
  object.Text("name", call.name());
  object.Field("input").Raw(input.json);
  return absl::OkStatus();
}

absl::Status ContentWriter::WriteToolResult(const v1::ToolResult& result,
                                            std::string_view place,
                                            ObjectWriter& object) {
  object.Text("type", "tool_result");
  object.Text("tool_use_id", IdOfResult(result.tool_call_id()));
  std::vector<const v1::Part*> parts;
  for (const v1::Part& part : result.parts()) {
    if (Carries(part)) parts.push_back(&part);
  }
  if (!parts.empty()) {
    GATEWAY_RETURN_IF_ERROR(WriteContent(parts, Below(place, "tool_result"),
                                         object.Field("content")));
  }
  if (result.is_error()) object.Bool("is_error", true);
  return absl::OkStatus();
}

void ContentWriter::WriteReasoning(const v1::Reasoning& reasoning,
                                   ObjectWriter& object) {
  if (!reasoning.redacted_data().empty()) {
    object.Text("type", "redacted_thinking");
    object.Text("data", reasoning.redacted_data());
    return;
  }
  object.Text("type", "thinking");
  object.Text("thinking", reasoning.text());
  object.Text("signature", reasoning.signature());
}

absl::Status ContentWriter::WriteContent(
    const std::vector<const v1::Part*>& parts, std::string_view place,
    JsonWriter& json) {
  if (parts.size() == 1) {
    const v1::Part& only = *parts.front();
    if (only.has_text() && !only.has_cache_hint() && !HasOwnExtension(only)) {
      ReportDroppedOfPart(only);
      json.String(only.text());
      return absl::OkStatus();
    }
  }
  if (AreEmptyTexts(parts)) {
    json.String("");
    return absl::OkStatus();
  }
  json.StartArray();
  for (const v1::Part* part : parts) {
    if (IsEmptyText(*part)) continue;
    GATEWAY_RETURN_IF_ERROR(WriteBlock(*part, place, json));
  }
  json.EndArray();
  return absl::OkStatus();
}

}  // namespace gateway::anthropic
