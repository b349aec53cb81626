#include "providers/dialects/openai_responses/content.h"

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/utf8.h"
#include "errors/fault.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/object_fields.h"
#include "providers/dialects/openai_chat/logprobs.h"

namespace gateway::responses {
namespace {

constexpr std::string_view kPartPlace = "messages[].parts[]";

std::string Below(std::string_view place, std::string_view field) {
  return absl::StrCat(ToAbsl(place), ".", ToAbsl(field));
}

bool IsEmptyList(std::string_view json) {
  return json.empty() ||
         (json.front() == '[' &&
          json.find_first_not_of(" \t\r\n", 1) == json.find(']'));
}

// Keeps a list as an extension, unless it is empty.
void KeepList(std::string_view key, ObjectFields& fields, v1::Part* part) {
  const std::string list = fields.Json(key);
  if (IsEmptyList(list)) return;
  AddExtension(part->mutable_extensions(), key, list);
}

absl::Status ReadText(ObjectFields& fields, v1::Part* part) {
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("text", part->mutable_text()));
  KeepList("annotations", fields, part);
  KeepList("logprobs", fields, part);
  return absl::OkStatus();
}

absl::Status ReadImage(ObjectFields& fields, v1::Part* part) {
  v1::Image* image = part->mutable_image();
  std::string url;
  std::string file_id;
  GATEWAY_RETURN_IF_ERROR(fields.Text("image_url", &url));
  GATEWAY_RETURN_IF_ERROR(fields.Text("file_id", &file_id));
  GATEWAY_RETURN_IF_ERROR(fields.Text("detail", image->mutable_detail()));
  std::string bytes;
  if (!file_id.empty()) {
    image->set_file_id(std::move(file_id));
  } else if (url.empty()) {
    return fields.Fault("image_url", "image_url or file_id must be set");
  } else if (ReadDataUrl(url, image->mutable_media_type(), &bytes)) {
    image->set_data(std::move(bytes));
  } else {
    image->set_url(std::move(url));
  }
  return absl::OkStatus();
}

absl::Status ReadFile(ObjectFields& fields, v1::Part* part) {
  v1::Document* document = part->mutable_document();
  std::string url;
  std::string file_id;
  std::string data;
  GATEWAY_RETURN_IF_ERROR(fields.Text("file_url", &url));
  GATEWAY_RETURN_IF_ERROR(fields.Text("file_id", &file_id));
  GATEWAY_RETURN_IF_ERROR(fields.Text("file_data", &data));
  GATEWAY_RETURN_IF_ERROR(
      fields.Text("filename", document->mutable_filename()));
  if (!file_id.empty()) {
    document->set_file_id(std::move(file_id));
  } else if (!url.empty()) {
    document->set_url(std::move(url));
  } else if (data.empty()) {
    return fields.Fault("file_data",
                        "file_data, file_id or file_url must be set");
  } else {
    std::string bytes;
    // Taken as bare base64, since some clients leave out the head of the data
    // URL.
    if (!ReadDataUrl(data, document->mutable_media_type(), &bytes) &&
        !ReadBase64(data, &bytes)) {
      return fields.Fault("file_data", "expected a data URL with base64");
    }
    document->set_data(std::move(bytes));
  }
  return absl::OkStatus();
}

}  // namespace

bool IsContentType(std::string_view type) {
  return type.starts_with("input_") || type.starts_with("output_") ||
         type == "text" || type == "refusal" || type == "summary_text" ||
         type == "reasoning_text" || type == "computer_screenshot";
}

OpaqueKind OpaqueKindOf(const v1::OpaquePart& opaque) {
  std::string type;
  const absl::Status status = ReadJson(opaque.json(), [&](JsonValue& root) {
    return root.EachField(
        [&](std::string_view key, JsonValue& value) -> absl::Status {
          if (key != "type" || !value.IsString()) return absl::OkStatus();
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view text, value.String());
          type = std::string(text);
          return absl::OkStatus();
        });
  });
  if (!status.ok()) return OpaqueKind::kItem;
  if (type.starts_with("response.")) return OpaqueKind::kEvent;
  return IsContentType(type) ? OpaqueKind::kContent : OpaqueKind::kItem;
}

absl::Status ReadContentPart(JsonValue& value, v1::Part* part) {
  GATEWAY_ASSIGN_OR_RETURN(ObjectFields fields,
                           ObjectFields::Read(kFormat, value));
  std::string type;
  GATEWAY_RETURN_IF_ERROR(fields.RequiredText("type", &type));
  if (type == "input_text" || type == "output_text" || type == "text") {
    GATEWAY_RETURN_IF_ERROR(ReadText(fields, part));
  } else if (type == "refusal") {
    GATEWAY_RETURN_IF_ERROR(
        fields.RequiredText("refusal", part->mutable_refusal()));
  } else if (type == "input_image") {
    GATEWAY_RETURN_IF_ERROR(ReadImage(fields, part));
  } else if (type == "input_file") {
    GATEWAY_RETURN_IF_ERROR(ReadFile(fields, part));
  } else {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view whole, value.VisitedRaw());
    part->mutable_opaque()->set_dialect(std::string(kDialect));
    part->mutable_opaque()->set_json(std::string(whole));
    return absl::OkStatus();
  }
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
      [&](JsonValue& part) -> absl::Status {
        if (parts->size() >= wire::kPartsLimit) {
          return part.Error("too many parts");
        }
        return ReadContentPart(part, parts->Add());
      }));
}

std::string_view TextOf(const v1::Part& part) {
  if (part.has_refusal()) return part.refusal();
  if (part.has_audio()) return part.audio().transcript();
  if (part.has_document()) return part.document().text();
  return part.text();
}

bool ContentWriter::Carries(const v1::Part& part, Speaker speaker) {
  switch (part.kind_case()) {
    case v1::Part::kText:
    case v1::Part::kRefusal:
      return true;
    case v1::Part::kDocument:
      if (part.document().has_text()) return true;
      if (speaker == Speaker::kCaller) return true;
      dropped_.LeftOut(Below(kPartPlace, "document"));
      return false;
    case v1::Part::kImage:
      if (speaker == Speaker::kCaller) return true;
      dropped_.LeftOut(Below(kPartPlace, "image"));
      return false;
    case v1::Part::kAudio:
      if (!part.audio().transcript().empty()) {
        dropped_.Changed(Below(kPartPlace, "audio"), "became its transcript");
        return true;
      }
      dropped_.LeftOut(Below(kPartPlace, "audio"));
      return false;
    case v1::Part::kOpaque:
      if (part.opaque().dialect() == kDialect) {
        return OpaqueKindOf(part.opaque()) == OpaqueKind::kContent;
      }
      dropped_.Changed(Below(kPartPlace, "opaque"),
                       absl::StrCat("left out: only ", part.opaque().dialect(),
                                    " knows this part"));
      return false;
    default:
      return false;
  }
}

void ContentWriter::ReportDropped(const v1::Part& part) {
  if (part.citations().empty()) {
    dropped_.Foreign(kPartPlace, part.extensions());
  } else {
    // `citations` of other dialects are not recorded as dropped: what they say
    // besides is of use to their vendor alone.
    dropped_.Foreign(kPartPlace, Without(part.extensions(), {"citations"}));
    if (HasOneWithoutUrl(part.citations())) dropped_.LeftOut("citations");
  }
  if (part.has_cache_hint()) {
    dropped_.Changed(Below(kPartPlace, "cache_hint"),
                     "left out: OpenAI caches prompts of its own accord");
  }
  if (!part.has_document()) return;
  const v1::Document& document = part.document();
  if (!document.context().empty()) {
    dropped_.LeftOut(Below(kPartPlace, "document.context"));
  }
  if (document.citations()) {
    dropped_.LeftOut(Below(kPartPlace, "document.citations"));
  }
  if (!document.title().empty() &&
      (document.has_text() || !document.filename().empty())) {
    dropped_.LeftOut(Below(kPartPlace, "document.title"));
  }
}

absl::Status ContentWriter::WriteList(const Parts& parts, Speaker speaker,
                                      bool full, const v1::Logprobs* logprobs,
                                      std::string_view place,
                                      JsonWriter& json) {
  json.StartArray();
  for (const v1::Part* part : parts) {
    GATEWAY_RETURN_IF_ERROR(
        WritePart(*part, speaker, full, logprobs, place, json));
    if (part->has_text()) logprobs = nullptr;
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status ContentWriter::WritePart(const v1::Part& part, Speaker speaker,
                                      bool full, const v1::Logprobs* logprobs,
                                      std::string_view place,
                                      JsonWriter& json) {
  ReportDropped(part);
  if (part.has_opaque()) {
    const std::string& raw = part.opaque().json();
    if (absl::Status status = CheckJson(raw); !status.ok()) {
      return InvalidField(Below(place, "opaque.json"), ToStd(status.message()));
    }
    json.Raw(raw);
    return absl::OkStatus();
  }
  ObjectWriter object(kFormat, json);
  if (part.has_image()) {
    GATEWAY_RETURN_IF_ERROR(WriteImage(part.image(), place, object));
  } else if (part.has_document() && !part.document().has_text()) {
    GATEWAY_RETURN_IF_ERROR(WriteDocument(part.document(), place, object));
  } else {
    GATEWAY_RETURN_IF_ERROR(WriteText(part, speaker, full, logprobs, object));
  }
  GATEWAY_RETURN_IF_ERROR(object.Extensions(
      Without(part.extensions(), {"type", "annotations", "logprobs"}), place));
  object.End();
  return absl::OkStatus();
}

void WriteUrlCitations(const v1::Part& part, JsonWriter& json) {
  const int64_t characters = CountCharacters(part.text());
  json.StartArray();
  for (const v1::Citation& citation : part.citations()) {
    if (citation.url().empty()) continue;
    json.StartObject();
    json.StringField("type", "url_citation");
    WriteUrlCitation(SpanOf(citation, 0, characters), json);
    json.EndObject();
  }
  json.EndArray();
}

absl::Status ContentWriter::WriteText(const v1::Part& part, Speaker speaker,
                                      bool full, const v1::Logprobs* logprobs,
                                      ObjectWriter& object) {
  if (part.has_refusal() && speaker == Speaker::kModel) {
    object.Text("type", "refusal");
    object.Text("refusal", part.refusal());
    return absl::OkStatus();
  }
  object.Text("type",
              speaker == Speaker::kModel ? "output_text" : "input_text");
  object.Text("text", TextOf(part));
  if (speaker != Speaker::kModel) return absl::OkStatus();
  constexpr std::string_view kLists[] = {"annotations", "logprobs"};
  for (const std::string_view key : kLists) {
    const v1::Extension* list = FindExtension(part.extensions(), key);
    if (list != nullptr) {
      GATEWAY_RETURN_IF_ERROR(object.Json(key, list->json(), key));
    } else if (key == "annotations" && HasUrl(part.citations())) {
      WriteUrlCitations(part, object.Field(key));
    } else if (key == "logprobs" && logprobs != nullptr) {
      chat::WriteTokenLogprobs(logprobs->content(), object.Field(key));
    } else if (full && (key == "annotations" || side_ == Side::kAnswer)) {
      object.Field(key).Raw("[]");
    }
  }
  return absl::OkStatus();
}

absl::Status ContentWriter::WriteImage(const v1::Image& image,
                                       std::string_view place,
                                       ObjectWriter& object) {
  object.Text("type", "input_image");
  switch (image.source_case()) {
    case v1::Image::kUrl:
      object.Text("image_url", image.url());
      break;
    case v1::Image::kFileId:
      object.Text("file_id", image.file_id());
      break;
    case v1::Image::kData:
      if (image.media_type().empty()) {
        return InvalidField(Below(place, "image.media_type"), "required");
      }
      object.Text("image_url", WriteDataUrl(image.media_type(), image.data()));
      break;
    case v1::Image::SOURCE_NOT_SET:
      return InvalidField(Below(place, "image.source"), "required");
  }
  object.Text("detail", image.detail().empty() ? std::string_view("auto")
                                               : image.detail());
  return absl::OkStatus();
}

absl::Status ContentWriter::WriteDocument(const v1::Document& document,
                                          std::string_view place,
                                          ObjectWriter& object) {
  object.Text("type", "input_file");
  std::string_view name = document.filename();
  if (name.empty()) name = document.title();
  switch (document.source_case()) {
    case v1::Document::kUrl:
      object.Text("file_url", document.url());
      break;
    case v1::Document::kFileId:
      object.Text("file_id", document.file_id());
      break;
    case v1::Document::kData:
      object.Text("file_data",
                  document.media_type().empty()
                      ? Base64(document.data())
                      : WriteDataUrl(document.media_type(), document.data()));
      // A name is made up, since bytes must have one.
      if (name.empty()) {
        name = document.media_type() == "application/pdf" ? "document.pdf"
                                                          : "document";
      }
      break;
    default:
      return InvalidField(Below(place, "document.source"), "required");
  }
  if (!name.empty()) object.Text("filename", name);
  return absl::OkStatus();
}

absl::Status ContentWriter::WriteShort(const Parts& parts, Speaker speaker,
                                       std::string_view place,
                                       JsonWriter& json) {
  if (parts.size() == 1 && parts.front()->has_text()) {
    const v1::Part& only = *parts.front();
    if (Without(only.extensions(), {}).empty()) {
      ReportDropped(only);
      json.String(only.text());
      return absl::OkStatus();
    }
  }
  return WriteList(parts, speaker, /*full=*/false, nullptr, place, json);
}

}  // namespace gateway::responses
