#include "providers/dialects/ollama/message_writer.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "providers/dialects/data_url.h"

namespace gateway::ollama {
namespace {

constexpr std::string_view kPartPlace = "messages[].parts[]";

// Stands between pieces of text that become one.
constexpr std::string_view kBetweenPieces = "\n\n";

// The field that holds a free text in an object.
constexpr std::string_view kFreeTextField = "input";

std::string_view WordOfRole(v1::Role role) {
  switch (role) {
    case v1::ROLE_ASSISTANT:
      return "assistant";
    case v1::ROLE_SYSTEM:
    case v1::ROLE_DEVELOPER:
      return "system";
    case v1::ROLE_TOOL:
      return "tool";
    default:
      return "user";
  }
}

std::string PartField(std::string_view field) {
  return absl::StrCat(ToAbsl(kPartPlace), ".", ToAbsl(field));
}

void AppendPiece(std::string_view piece, std::string_view separator,
                 std::string* text) {
  if (piece.empty()) return;
  if (!text->empty()) text->append(separator);
  text->append(piece);
}

// Returns whether the document can be sent as text.
bool IsPlainText(const v1::Document& document) {
  return document.has_text() ||
         (document.has_data() && document.media_type().starts_with("text/") &&
          IsUtf8(document.data()));
}

// Returns a call's arguments if they are an object, which the format requires;
// empty otherwise.
std::string ObjectOf(const v1::ToolCall& call) {
  if (call.kind() == v1::TOOL_KIND_CUSTOM) return {};
  const absl::string_view text = absl::StripAsciiWhitespace(call.arguments());
  if (text.empty()) return "{}";
  if (text.front() != '{' || !CheckJson(ToStd(text)).ok()) return {};
  return std::string(text);
}

}  // namespace

absl::Status MessageWriter::Write(const v1::GenerateRequest& request,
                                  JsonWriter& json) {
  json.StartArray();
  for (int i = 0; i < request.messages_size(); ++i) {
    GATEWAY_RETURN_IF_ERROR(WriteMessage(
        request.messages(i), absl::StrCat("messages[", i, "]"), json));
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status MessageWriter::WriteMessage(const v1::Message& message,
                                         std::string_view place,
                                         JsonWriter& json) {
  const bool is_answer = message.role() == v1::ROLE_ASSISTANT;
  Speech speech;
  int results = 0;
  for (const v1::Part& part : message.parts()) {
    ReportDroppedOfPart(part);
    if (part.has_tool_result()) {
      ++results;
      GATEWAY_RETURN_IF_ERROR(WriteToolResult(part.tool_result(), json));
    } else {
      Sort(part, is_answer ? std::string_view() : kBetweenPieces, &speech);
    }
  }
  if (!message.name().empty()) dropped_.LeftOut("messages[].name");
  dropped_.Foreign("messages[]", message.extensions());
  if (results > 0 && results == message.parts_size()) return absl::OkStatus();
  ObjectWriter object(kFormat, json);
  object.Text("role", WordOfRole(message.role()));
  object.Text("content", speech.text);
  if (!speech.thinking.empty()) object.Text("thinking", speech.thinking);
  WriteImages(speech.images, object);
  GATEWAY_RETURN_IF_ERROR(WriteToolCalls(speech.calls, place, object));
  GATEWAY_RETURN_IF_ERROR(object.Extensions(message.extensions(), place));
  object.End();
  return absl::OkStatus();
}

void MessageWriter::ReportDroppedOfPart(const v1::Part& part) {
  dropped_.Foreign(kPartPlace, part.extensions());
  if (part.has_cache_hint()) {
    dropped_.Changed(PartField("cache_hint"),
                     "left out: Ollama caches prompts of its own accord");
  }
}

void MessageWriter::Sort(const v1::Part& part, std::string_view separator,
                         Speech* speech) {
  switch (part.kind_case()) {
    case v1::Part::kText:
      AppendPiece(part.text(), separator, &speech->text);
      return;
    case v1::Part::kRefusal:
      AppendPiece(part.refusal(), separator, &speech->text);
      return;
    case v1::Part::kImage:
      SortImage(part.image(), speech);
      return;
    case v1::Part::kDocument:
      SortDocument(part.document(), separator, speech);
      return;
    case v1::Part::kAudio:
      if (part.audio().transcript().empty()) {
        dropped_.LeftOut(PartField("audio"));
        return;
      }
      dropped_.Changed(PartField("audio"), "became its transcript");
      AppendPiece(part.audio().transcript(), separator, &speech->text);
      return;
    case v1::Part::kReasoning:
      SortReasoning(part.reasoning(), speech);
      return;
    case v1::Part::kToolCall:
      called_[part.tool_call().id()] = part.tool_call().name();
      speech->calls.push_back(&part);
      return;
    case v1::Part::kOpaque:
      dropped_.Changed(PartField("opaque"),
                       absl::StrCat("left out: only ", part.opaque().dialect(),
                                    " knows this part"));
      return;
    default:
      return;
  }
}

void MessageWriter::SortImage(const v1::Image& image, Speech* speech) {
  if (!image.detail().empty() && image.detail() != "auto") {
    dropped_.LeftOut(PartField("image.detail"));
  }
  if (image.has_data()) {
    speech->images.push_back(&image);
    return;
  }
  dropped_.Changed(PartField(image.has_url() ? "image.url" : "image.file_id"),
                   "left out: Ollama takes the bytes of pictures only");
}

void MessageWriter::SortDocument(const v1::Document& document,
                                 std::string_view separator, Speech* speech) {
  if (!IsPlainText(document)) {
    dropped_.LeftOut(PartField("document"));
    return;
  }
  dropped_.Changed(PartField("document"), "became text of the message");
  if (document.citations()) dropped_.LeftOut(PartField("document.citations"));
  AppendPiece(document.title().empty() ? document.filename() : document.title(),
              separator, &speech->text);
  AppendPiece(document.context(), separator, &speech->text);
  AppendPiece(document.has_text() ? document.text() : document.data(),
              separator, &speech->text);
}

void MessageWriter::SortReasoning(const v1::Reasoning& reasoning,
                                  Speech* speech) {
  if (!reasoning.signature().empty()) {
    dropped_.LeftOut(PartField("reasoning.signature"));
  }
  if (!reasoning.redacted_data().empty()) {
    dropped_.LeftOut(PartField("reasoning.redacted_data"));
  }
  AppendPiece(reasoning.text(), "", &speech->thinking);
}

void MessageWriter::WriteImages(const std::vector<const v1::Image*>& images,
                                ObjectWriter& message) {
  if (images.empty()) return;
  JsonWriter& json = message.Field("images");
  json.StartArray();
  for (const v1::Image* image : images) json.String(Base64(image->data()));
  json.EndArray();
}

absl::Status MessageWriter::WriteToolResult(const v1::ToolResult& result,
                                            JsonWriter& json) {
  if (result.is_error()) {
    dropped_.LeftOut("messages[].parts[].tool_result.is_error");
  }
  Speech speech;
  for (const v1::Part& part : result.parts()) {
    ReportDroppedOfPart(part);
    Sort(part, kBetweenPieces, &speech);
  }
  std::string_view name = result.name();
  if (const auto found = called_.find(std::string_view(result.tool_call_id()));
      name.empty() && found != called_.end()) {
    name = found->second;
  }
  ObjectWriter object(kFormat, json);
  object.Text("role", "tool");
  object.Text("content", speech.text);
  if (!name.empty()) object.Text("tool_name", name);
  if (!result.tool_call_id().empty()) {
    object.Text("tool_call_id", result.tool_call_id());
  }
  WriteImages(speech.images, object);
  object.End();
  return absl::OkStatus();
}

absl::Status MessageWriter::WriteToolCalls(
    const std::vector<const v1::Part*>& calls, std::string_view place,
    ObjectWriter& message) {
  if (calls.empty()) return absl::OkStatus();
  JsonWriter& json = message.Field("tool_calls");
  json.StartArray();
  int index = 0;
  for (const v1::Part* part : calls) {
    ObjectWriter call(kFormat, json);
    if (!part->tool_call().id().empty()) {
      call.Text("id", part->tool_call().id());
    }
    GATEWAY_RETURN_IF_ERROR(WriteFunction(*part, place, index++, call));
    GATEWAY_RETURN_IF_ERROR(call.Extensions(part->extensions(), place));
    call.End();
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status MessageWriter::WriteFunction(const v1::Part& part,
                                          std::string_view place, int index,
                                          ObjectWriter& call) {
  const std::string object = ObjectOf(part.tool_call());
  ObjectWriter function(kFormat, call.Field("function"));
  function.Int64("index", index);
  function.Text("name", part.tool_call().name());
  if (!object.empty()) {
    function.Field("arguments").Raw(object);
  } else {
    dropped_.Changed(PartField("tool_call.arguments"),
                     "not a JSON object; became the `input` of one");
    ObjectWriter wrapped(kFormat, function.Field("arguments"));
    wrapped.Text(kFreeTextField, part.tool_call().arguments());
    wrapped.End();
  }
  GATEWAY_RETURN_IF_ERROR(
      function.Extensions(part.extensions(), place, "function"));
  function.End();
  return absl::OkStatus();
}

}  // namespace gateway::ollama
