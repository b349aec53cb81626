#include "providers/dialects/openai_chat/message_writer.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "base/text/json.h"
#include "errors/fault.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/data_url.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_chat/words.h"

namespace gateway {
namespace {

using Parts = absl::InlinedVector<const v1::Part*, 4>;

// Fields that are written here, or whose leftovers are merged.
constexpr std::string_view kPartFields[] = {"type",        "text", "image_url",
                                            "input_audio", "file", "refusal"};
constexpr std::string_view kCallFields[] = {"id",       "type",   "index",
                                            "function", "custom", "audio"};
constexpr std::string_view kMessageFields[] = {
    "role",          "content",  "name",         "refusal",
    "tool_calls",    "audio",    "tool_call_id", "reasoning_content",
    "function_call", "reasoning"};

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

// Data needs a name, which other dialects do not ask for.
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

void NoteDocumentLosses(const v1::Document& document, Losses& losses) {
  if (!document.context().empty()) {
    losses.Add("document.context", "not carried by Chat Completions");
  }
  if (document.citations()) {
    losses.Add("document.citations", "not carried by Chat Completions");
  }
}

// Whether the part can be said in `content`; what cannot is a loss.
bool Carries(const v1::Part& part, bool text_only, Losses& losses) {
  constexpr std::string_view kLeftOut = "not carried by Chat Completions here";
  switch (part.kind_case()) {
    case v1::Part::kText:
      return true;
    case v1::Part::kImage:
      if (!text_only && !part.image().has_file_id()) return true;
      losses.Add("image", kLeftOut);
      return false;
    case v1::Part::kDocument:
      NoteDocumentLosses(part.document(), losses);
      if (part.document().has_text()) return true;
      if (!text_only && !part.document().has_url()) return true;
      losses.Add(part.document().has_url() ? "document.url" : "document",
                 kLeftOut);
      return false;
    case v1::Part::kAudio:
      if (!text_only) return true;
      losses.Add("audio", kLeftOut);
      return false;
    case v1::Part::kOpaque:
      if (part.opaque().dialect() == kOpenAiChatDialect) return true;
      losses.Add("opaque", absl::StrCat("content of ", part.opaque().dialect(),
                                        " that Chat Completions does not have; "
                                        "left out"));
      return false;
    case v1::Part::KIND_NOT_SET:
      return false;
    default:
      losses.Add("parts", kLeftOut);
      return false;
  }
}

absl::Status WritePart(const v1::Part& part, JsonWriter& json, Losses& losses) {
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
      WriteExtensions(part.extensions(), kPartFields, json, losses));
  json.EndObject();
  return absl::OkStatus();
}

// Writes the value of `content`.
absl::Status WriteContent(const Parts& parts, bool text_only, JsonWriter& json,
                          Losses& losses) {
  Parts carried;
  for (const v1::Part* part : parts) {
    if (part->has_cache_hint()) {
      losses.Add("cache_hint", "OpenAI caches prompts of its own accord");
    }
    if (Carries(*part, text_only, losses)) carried.push_back(part);
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
    GATEWAY_RETURN_IF_ERROR(WritePart(*part, json, losses));
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status WriteToolCall(const v1::Part& part, JsonWriter& json,
                           Losses& losses) {
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
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(part.extensions(), kCallFields, json, losses));
  json.EndObject();
  return absl::OkStatus();
}

absl::Status WriteToolCalls(const Parts& calls, JsonWriter& json,
                            Losses& losses) {
  if (calls.empty()) return absl::OkStatus();
  json.StartArrayField("tool_calls");
  for (const v1::Part* call : calls) {
    GATEWAY_RETURN_IF_ERROR(WriteToolCall(*call, json, losses));
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status WriteToolResult(const v1::ToolResult& result,
                             const OpenAiChatQuirks& quirks, JsonWriter& json,
                             Losses& losses) {
  if (result.is_error()) {
    losses.Add("tool_result.is_error",
               "Chat Completions has no mark for failed tools; the text alone "
               "tells");
  }
  json.StartObject();
  json.StringField("role", "tool");
  json.StringField("tool_call_id", result.tool_call_id());
  // The call tells it, too.
  if (!result.name().empty() && quirks.message_names) {
    json.StringField("name", result.name());
  }
  Parts parts;
  for (const v1::Part& part : result.parts()) parts.push_back(&part);
  json.Key("content");
  GATEWAY_RETURN_IF_ERROR(
      WriteContent(parts, /*text_only=*/true, json, losses));
  return absl::OkStatus();
}

// An assistant's turn, sorted by where its parts go.
struct Turn {
  explicit Turn(const v1::Message& message) {
    for (const v1::Part& part : message.parts()) {
      switch (part.kind_case()) {
        case v1::Part::kReasoning:
          reasoning.push_back(&part);
          break;
        case v1::Part::kToolCall:
          calls.push_back(&part);
          break;
        case v1::Part::kRefusal:
          refusal = refusal.value_or("") + part.refusal();
          break;
        case v1::Part::kAudio:
          audio = &part;
          break;
        default:
          content.push_back(&part);
      }
    }
  }

  Parts reasoning;
  Parts content;
  Parts calls;
  std::optional<std::string> refusal;
  const v1::Part* audio = nullptr;
};

bool IsSealed(const v1::Reasoning& reasoning) {
  return !reasoning.signature().empty() || !reasoning.redacted_data().empty();
}

// What the model of a request may read again. Only the provider that sealed it
// can read sealed reasoning, and that is never one of this dialect.
void WritePastReasoning(const Turn& turn, const OpenAiChatQuirks& quirks,
                        JsonWriter& json, Losses& losses) {
  std::string text;
  for (const v1::Part* part : turn.reasoning) {
    if (IsSealed(part->reasoning())) {
      losses.Add("reasoning",
                 "sealed by another provider and unreadable to this one");
    } else {
      text += part->reasoning().text();
    }
  }
  const bool is_wanted = quirks.reasoning_of_calls && !turn.calls.empty();
  if (text.empty() && !is_wanted) return;
  if (quirks.reasoning_field.empty()) {
    losses.Add("reasoning", "this service reads no reasoning of the past");
    return;
  }
  json.StringField(quirks.reasoning_field, text);
}

absl::Status WriteAssistant(const v1::Message& message,
                            const OpenAiChatQuirks& quirks, JsonWriter& json,
                            Losses& losses) {
  const Turn turn(message);
  json.StringField("role", "assistant");
  json.Key("content");
  if (turn.content.empty() && (!turn.calls.empty() || turn.audio != nullptr ||
                               turn.refusal.has_value())) {
    json.Null();
  } else {
    GATEWAY_RETURN_IF_ERROR(
        WriteContent(turn.content, /*text_only=*/true, json, losses));
  }
  if (turn.refusal.has_value()) json.StringField("refusal", *turn.refusal);
  WritePastReasoning(turn, quirks, json, losses);
  if (turn.audio != nullptr) {
    json.StartObjectField("audio");
    json.StringField("id", turn.audio->audio().id());
    json.EndObject();
  }
  return WriteToolCalls(turn.calls, json, losses);
}

// Writes one entry whose content is `parts`, or nothing if there is none.
absl::Status WriteSpeech(const v1::Message& message, const Parts& parts,
                         const OpenAiChatQuirks& quirks, JsonWriter& json,
                         Losses& losses) {
  const bool renamed =
      message.role() == v1::ROLE_DEVELOPER && !quirks.developer_role;
  json.StringField("role",
                   WriteRole(renamed ? v1::ROLE_SYSTEM : message.role()));
  json.Key("content");
  return WriteContent(parts, message.role() != v1::ROLE_USER, json, losses);
}

}  // namespace

absl::Status WriteOpenAiMessage(const v1::Message& message, JsonWriter& json,
                                Losses& losses,
                                const OpenAiChatQuirks& quirks) {
  Parts rest;
  bool extensions_written = false;
  for (const v1::Part& part : message.parts()) {
    if (!part.has_tool_result()) {
      rest.push_back(&part);
      continue;
    }
    if (part.has_cache_hint()) {
      losses.Add("cache_hint", "OpenAI caches prompts of its own accord");
    }
    GATEWAY_RETURN_IF_ERROR(
        WriteToolResult(part.tool_result(), quirks, json, losses));
    if (message.role() == v1::ROLE_TOOL && !extensions_written) {
      GATEWAY_RETURN_IF_ERROR(
          WriteExtensions(message.extensions(), kMessageFields, json, losses));
      extensions_written = true;
    }
    json.EndObject();
  }
  const bool had_results = static_cast<int>(rest.size()) < message.parts_size();
  if (rest.empty() && had_results) return absl::OkStatus();
  if (message.role() == v1::ROLE_TOOL) {
    losses.Add("messages.parts",
               "only tool results can stand in a tool's turn");
    return absl::OkStatus();
  }
  json.StartObject();
  if (message.role() == v1::ROLE_ASSISTANT) {
    GATEWAY_RETURN_IF_ERROR(WriteAssistant(message, quirks, json, losses));
  } else {
    GATEWAY_RETURN_IF_ERROR(WriteSpeech(message, rest, quirks, json, losses));
  }
  if (!message.name().empty()) {
    if (quirks.message_names) {
      json.StringField("name", message.name());
    } else {
      losses.Add("messages.name", "this service knows no names");
    }
  }
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(message.extensions(), kMessageFields, json, losses));
  json.EndObject();
  return absl::OkStatus();
}

namespace {

void WriteAnswerText(const Turn& turn, JsonWriter& json) {
  std::optional<std::string> text;
  for (const v1::Part* part : turn.content) {
    if (part->has_text()) text = text.value_or("") + part->text();
  }
  if (text.has_value()) {
    json.StringField("content", *text);
  } else {
    json.NullField("content");
  }
}

void WriteAnswerReasoning(const Turn& turn, JsonWriter& json) {
  std::string text;
  bool sealed = false;
  for (const v1::Part* part : turn.reasoning) {
    text += part->reasoning().text();
    sealed = sealed || IsSealed(part->reasoning());
  }
  if (!text.empty()) json.StringField("reasoning_content", text);
  if (!sealed) return;
  json.StartArrayField("reasoning_details");
  for (const v1::Part* part : turn.reasoning) {
    const v1::Reasoning& reasoning = part->reasoning();
    json.StartObject();
    if (!reasoning.redacted_data().empty()) {
      json.StringField("type", "reasoning.encrypted");
      json.StringField("data", reasoning.redacted_data());
    } else {
      json.StringField("type", "reasoning.text");
      json.StringField("text", reasoning.text());
      if (!reasoning.signature().empty()) {
        json.StringField("signature", reasoning.signature());
      }
    }
    json.EndObject();
  }
  json.EndArray();
}

absl::Status WriteAnswerAudio(const v1::Part& part, JsonWriter& json) {
  const v1::Audio& audio = part.audio();
  json.StartObjectField("audio");
  json.StringField("id", audio.id());
  json.StringField("data", Base64(audio.data()));
  json.Int64Field("expires_at", audio.expires_at_seconds());
  json.StringField("transcript", audio.transcript());
  GATEWAY_RETURN_IF_ERROR(
      MergeLeftovers(part.extensions(), "audio",
                     {"id", "data", "expires_at", "transcript"}, json));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteOpenAiAnswer(const v1::Message& message, JsonWriter& json) {
  const Turn turn(message);
  Losses unheard(nullptr);
  json.StartObject();
  json.StringField("role", "assistant");
  WriteAnswerText(turn, json);
  if (turn.refusal.has_value()) {
    json.StringField("refusal", *turn.refusal);
  } else {
    json.NullField("refusal");
  }
  WriteAnswerReasoning(turn, json);
  if (turn.audio != nullptr) {
    GATEWAY_RETURN_IF_ERROR(WriteAnswerAudio(*turn.audio, json));
  }
  GATEWAY_RETURN_IF_ERROR(WriteToolCalls(turn.calls, json, unheard));
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(message.extensions(), kMessageFields, json, unheard));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace gateway
