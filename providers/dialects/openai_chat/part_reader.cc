#include "providers/dialects/openai_chat/part_reader.h"

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {
namespace {

void SetImageUrl(std::string_view url, v1::Image* image) {
  std::string bytes;
  if (ReadDataUrl(url, image->mutable_media_type(), &bytes)) {
    image->set_data(std::move(bytes));
  } else {
    image->set_url(std::string(url));
  }
}

// Reads `image_url`: an object; some clients send the address alone.
absl::Status ReadImage(JsonValue& value, v1::Part* part) {
  v1::Image* image = part->mutable_image();
  if (value.IsString()) {
    GATEWAY_ASSIGN_OR_RETURN(const std::string_view url, value.String());
    SetImageUrl(url, image);
    return absl::OkStatus();
  }
  Leftovers leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "url") {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view url, field.String());
          SetImageUrl(url, image);
          return absl::OkStatus();
        }
        if (key == "detail") return ReadString(field, image->mutable_detail());
        return leftovers.Keep(key, field);
      }));
  if (image->source_case() == v1::Image::SOURCE_NOT_SET) {
    return value.Error("the url must be set");
  }
  leftovers.AddTo("image_url", part->mutable_extensions());
  return absl::OkStatus();
}

absl::Status ReadInputAudio(JsonValue& value, v1::Part* part) {
  v1::Audio* audio = part->mutable_audio();
  Leftovers leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "data") {
          return ReadBase64String(field, audio->mutable_data());
        }
        if (key == "format") return ReadString(field, audio->mutable_format());
        return leftovers.Keep(key, field);
      }));
  leftovers.AddTo("input_audio", part->mutable_extensions());
  return absl::OkStatus();
}

absl::Status ReadFile(JsonValue& value, v1::Part* part) {
  v1::Document* document = part->mutable_document();
  Leftovers leftovers;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (field.IsNull()) return absl::OkStatus();
        if (key == "filename") {
          return ReadString(field, document->mutable_filename());
        }
        if (key == "file_id") {
          return ReadString(field, document->mutable_file_id());
        }
        if (key != "file_data") return leftovers.Keep(key, field);
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view data, field.String());
        std::string bytes;
        // Taken as bare base64, since some clients leave out the head of the
        // data URL.
        if (!ReadDataUrl(data, document->mutable_media_type(), &bytes) &&
            !ReadBase64(data, &bytes)) {
          return field.Error("expected a data URL with base64");
        }
        document->set_data(std::move(bytes));
        return absl::OkStatus();
      }));
  if (document->source_case() == v1::Document::SOURCE_NOT_SET) {
    return value.Error("file_id or file_data must be set");
  }
  leftovers.AddTo("file", part->mutable_extensions());
  return absl::OkStatus();
}

// Returns whether the key names a type of part: the field that bears a part's
// content is called as its type is.
bool IsPartType(std::string_view type) {
  return type == "text" || type == "image_url" || type == "input_audio" ||
         type == "file" || type == "refusal" || type == "thinking";
}

// Reads one entry of a thought that is a list. Entries that are no text, such
// as references, are kept with the whole list.
absl::Status ReadThoughtPiece(JsonValue& value, std::string* text,
                              bool* is_text) {
  return value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "text" && field.IsString()) {
          GATEWAY_ASSIGN_OR_RETURN(const std::string_view piece,
                                   field.String());
          text->append(piece);
          return absl::OkStatus();
        }
        if (key != "type" || !field.IsString()) return absl::OkStatus();
        GATEWAY_ASSIGN_OR_RETURN(const std::string_view type, field.String());
        *is_text = *is_text && type == "text";
        return absl::OkStatus();
      });
}

absl::Status ReadThinking(JsonValue& value, v1::Part* part) {
  std::string* text = part->mutable_reasoning()->mutable_text();
  if (!value.IsArray()) return ReadString(value, text);
  bool is_text = true;
  GATEWAY_RETURN_IF_ERROR(value.EachElement([&](JsonValue& piece) {
    return ReadThoughtPiece(piece, text, &is_text);
  }));
  if (is_text) return absl::OkStatus();
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
  AddExtension(part->mutable_extensions(), "thinking", raw);
  return absl::OkStatus();
}

absl::Status ReadTypedContent(std::string_view key, JsonValue& value,
                              v1::Part* part) {
  if (key == "image_url") return ReadImage(value, part);
  if (key == "input_audio") return ReadInputAudio(value, part);
  if (key == "file") return ReadFile(value, part);
  if (key == "refusal") return ReadString(value, part->mutable_refusal());
  if (key == "thinking") return ReadThinking(value, part);
  return ReadString(value, part->mutable_text());
}

}  // namespace

// Reads a part, whose fields can come in any order.
absl::Status ReadPart(JsonValue& value, v1::Part* part) {
  std::string type;
  std::string content_key;
  GATEWAY_RETURN_IF_ERROR(value.EachField(
      [&](std::string_view key, JsonValue& field) -> absl::Status {
        if (key == "type") return ReadString(field, &type);
        if (!IsPartType(key) || !content_key.empty()) {
          return KeepField(key, field, part->mutable_extensions());
        }
        content_key = key;
        return ReadTypedContent(key, field, part);
      }));
  if (IsPartType(type)) {
    if (type == content_key) return absl::OkStatus();
    return value.Error(absl::StrCat(type, " must be set"));
  }
  if (type.empty()) return value.Error("type must be set");
  GATEWAY_ASSIGN_OR_RETURN(const std::string_view raw, value.VisitedRaw());
  part->Clear();
  part->mutable_opaque()->set_dialect(std::string(kDialect));
  part->mutable_opaque()->set_json(std::string(raw));
  return absl::OkStatus();
}

}  // namespace gateway::chat
