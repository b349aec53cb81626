#include "providers/dialects/openai_chat/message_writer.h"

#include <string>
#include <string_view>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_chat/assistant_turn.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/part_writer.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_chat/vendor_names.h"

namespace gateway::chat {
namespace {

// Results, borrowed, that have more than the text which a tool's message holds.
using ResultList = absl::InlinedVector<const v1::ToolResult*, 2>;

// The text of a tool's message whose result has none.
constexpr std::string_view kSeeBelow = "(See the user's message below.)";

void TellCacheHint(DroppedFields& dropped) {
  dropped.Changed("cache_hint", "OpenAI caches prompts of its own accord");
}

// Returns whether a part of a result is shown in a user's message.
bool IsShownBelow(const v1::Part& part) {
  if (part.has_image()) return !part.image().has_file_id();
  return part.has_document() &&
         (part.document().has_data() || part.document().has_file_id());
}

bool IsEmptyText(const v1::Part& part) {
  return part.has_text() && part.text().empty();
}

// Adds the result to `shown` if it has more to be shown below.
absl::Status WriteToolContent(const v1::ToolResult& result, JsonWriter& json,
                              DroppedFields& dropped, ResultList& shown) {
  PartList parts;
  bool has_more = false;
  bool has_words = false;
  for (const v1::Part& part : result.parts()) {
    if (IsShownBelow(part)) {
      has_more = true;
      continue;
    }
    has_words = has_words || !IsEmptyText(part);
    parts.push_back(&part);
  }
  if (has_more) {
    dropped.Changed("tool_result.parts",
                    "a tool's message holds text only; the rest follows in one "
                    "of the user's");
    shown.push_back(&result);
  }
  json.Key("content");
  if (has_more && !has_words) {
    json.String(kSeeBelow);
    return absl::OkStatus();
  }
  return WriteContent(parts, /*text_only=*/true, json, dropped);
}

absl::Status WriteToolResult(const v1::ToolResult& result,
                             const OpenAiChatQuirks& quirks, JsonWriter& json,
                             DroppedFields& dropped, ResultList& shown) {
  if (result.is_error()) {
    dropped.Changed(
        "tool_result.is_error",
        "Chat Completions has no mark for failed tools; the text alone "
        "tells");
  }
  json.StartObject();
  json.StringField("role", "tool");
  json.StringField("tool_call_id", result.tool_call_id());
  // The call has the name, too.
  if (!result.name().empty() && quirks.message_names) {
    json.StringField("name", result.name());
  }
  return WriteToolContent(result, json, dropped, shown);
}

// Writes a part as an entry of the user's `content`, if it has a place there.
absl::Status WriteUsersPart(const v1::Part& part, JsonWriter& json,
                            DroppedFields& dropped) {
  if (part.has_cache_hint()) TellCacheHint(dropped);
  if (!HasPlace(part, /*text_only=*/false, dropped)) return absl::OkStatus();
  return WritePart(part, json, dropped);
}

// Writes what is shown of the results, as entries of a `content`.
absl::Status WriteShown(ResultList& shown, JsonWriter& json,
                        DroppedFields& dropped) {
  for (const v1::ToolResult* result : shown) {
    json.StartObject();
    json.StringField("type", "text");
    json.StringField("text", absl::StrCat("From the result of tool call ",
                                          result->tool_call_id(), ":"));
    json.EndObject();
    for (const v1::Part& part : result->parts()) {
      if (!IsShownBelow(part)) continue;
      GATEWAY_RETURN_IF_ERROR(WriteUsersPart(part, json, dropped));
    }
  }
  shown.clear();
  return absl::OkStatus();
}

// Writes a user's message of what is shown of the results.
absl::Status WriteShownAlone(ResultList& shown, JsonWriter& json,
                             DroppedFields& dropped) {
  json.StartObject();
  json.StringField("role", WriteRole(v1::ROLE_USER));
  json.StartArrayField("content");
  GATEWAY_RETURN_IF_ERROR(WriteShown(shown, json, dropped));
  json.EndArray();
  json.EndObject();
  return absl::OkStatus();
}

// Writes the content of a user's message behind what is shown of the results:
// in one message, since some services refuse two of the user in a row.
absl::Status WriteBehindShown(const PartList& parts, ResultList& shown,
                              JsonWriter& json, DroppedFields& dropped) {
  json.StartArray();
  GATEWAY_RETURN_IF_ERROR(WriteShown(shown, json, dropped));
  for (const v1::Part* part : parts) {
    GATEWAY_RETURN_IF_ERROR(WriteUsersPart(*part, json, dropped));
  }
  json.EndArray();
  return absl::OkStatus();
}

// Returns the reasoning that the model of a request may read again. Signed
// reasoning is left out: only the provider that signed it can read it, and that
// never speaks this dialect.
std::string PastReasoning(const AssistantTurn& turn, DroppedFields& dropped) {
  std::string text;
  for (const v1::Part* part : turn.reasoning) {
    if (IsSigned(part->reasoning())) {
      dropped.Changed("reasoning",
                      "signed by another provider and unreadable to this one");
    } else {
      text += part->reasoning().text();
    }
  }
  return text;
}

void WritePastReasoning(const AssistantTurn& turn, const std::string& text,
                        const OpenAiChatQuirks& quirks, JsonWriter& json,
                        DroppedFields& dropped) {
  const bool is_wanted = quirks.reasoning_of_calls && !turn.calls.empty();
  if (text.empty() && !is_wanted) return;
  if (quirks.reasoning_field.empty()) {
    dropped.Changed("reasoning", "this service reads no reasoning of the past");
    return;
  }
  json.StringField(quirks.reasoning_field, text);
}

// Writes a `content` whose first entry is a thought.
absl::Status WriteThoughtAndContent(const std::string& thought,
                                    const PartList& content, JsonWriter& json,
                                    DroppedFields& dropped) {
  json.StartArray();
  json.StartObject();
  json.StringField("type", "thinking");
  json.StartArrayField("thinking");
  json.StartObject();
  json.StringField("type", "text");
  json.StringField("text", thought);
  json.EndObject();
  json.EndArray();
  json.EndObject();
  for (const v1::Part* part : content) {
    if (!HasPlace(*part, /*text_only=*/true, dropped)) continue;
    GATEWAY_RETURN_IF_ERROR(WritePart(*part, json, dropped));
  }
  json.EndArray();
  return absl::OkStatus();
}

absl::Status WriteAssistantContent(const AssistantTurn& turn,
                                   const std::string& reasoning,
                                   const OpenAiChatQuirks& quirks,
                                   JsonWriter& json, DroppedFields& dropped) {
  json.Key("content");
  if (quirks.reasoning_in_content && !reasoning.empty()) {
    return WriteThoughtAndContent(reasoning, turn.content, json, dropped);
  }
  if (turn.content.empty() && (!turn.calls.empty() || turn.audio != nullptr ||
                               turn.refusal.has_value())) {
    json.Null();
    return absl::OkStatus();
  }
  return WriteContent(turn.content, /*text_only=*/true, json, dropped);
}

absl::Status WriteAssistant(const v1::Message& message,
                            const OpenAiChatQuirks& quirks, JsonWriter& json,
                            DroppedFields& dropped) {
  const AssistantTurn turn(message);
  const std::string reasoning = PastReasoning(turn, dropped);
  json.StringField("role", "assistant");
  GATEWAY_RETURN_IF_ERROR(
      WriteAssistantContent(turn, reasoning, quirks, json, dropped));
  if (turn.refusal.has_value()) json.StringField("refusal", *turn.refusal);
  if (!quirks.reasoning_in_content) {
    WritePastReasoning(turn, reasoning, quirks, json, dropped);
  }
  if (turn.audio != nullptr) {
    json.StartObjectField("audio");
    json.StringField("id", turn.audio->audio().id());
    json.EndObject();
  }
  if (quirks.images) {
    GATEWAY_RETURN_IF_ERROR(WriteImages(turn.images, json, dropped));
  } else if (!turn.images.empty()) {
    dropped.Changed("image",
                    "this service reads no pictures of an assistant's turn");
  }
  return WriteToolCalls(turn.calls, /*to_caller=*/false, json, dropped);
}

// Writes one entry whose content is what is shown of the results, and `parts`.
absl::Status WriteSpeech(const v1::Message& message, const PartList& parts,
                         const OpenAiChatQuirks& quirks, JsonWriter& json,
                         DroppedFields& dropped, ResultList& shown) {
  const bool renamed =
      message.role() == v1::ROLE_DEVELOPER && !quirks.developer_role;
  json.StringField("role",
                   WriteRole(renamed ? v1::ROLE_SYSTEM : message.role()));
  json.Key("content");
  if (!shown.empty()) return WriteBehindShown(parts, shown, json, dropped);
  return WriteContent(parts, message.role() != v1::ROLE_USER, json, dropped);
}

// Writes the entries of `messages` that `message` amounts to: none or several.
// Takes over, and hands on, the results of which more is to be shown.
absl::Status WriteMessage(const v1::Message& message, JsonWriter& json,
                          DroppedFields& dropped,
                          const OpenAiChatQuirks& quirks, ResultList& shown) {
  PartList rest;
  bool extensions_written = false;
  for (const v1::Part& part : message.parts()) {
    if (!part.has_tool_result()) {
      rest.push_back(&part);
      continue;
    }
    if (part.has_cache_hint()) TellCacheHint(dropped);
    GATEWAY_RETURN_IF_ERROR(
        WriteToolResult(part.tool_result(), quirks, json, dropped, shown));
    if (message.role() == v1::ROLE_TOOL && !extensions_written) {
      GATEWAY_RETURN_IF_ERROR(
          WriteExtensions(message.extensions(), kMessageFields, json, dropped));
      extensions_written = true;
    }
    json.EndObject();
  }
  const bool had_results = static_cast<int>(rest.size()) < message.parts_size();
  if (rest.empty() && had_results) return absl::OkStatus();
  if (message.role() == v1::ROLE_TOOL) {
    dropped.Changed("messages.parts",
                    "only tool results can stand in a tool's turn");
    return absl::OkStatus();
  }
  if (!shown.empty() && message.role() != v1::ROLE_USER) {
    GATEWAY_RETURN_IF_ERROR(WriteShownAlone(shown, json, dropped));
  }
  json.StartObject();
  if (message.role() == v1::ROLE_ASSISTANT) {
    GATEWAY_RETURN_IF_ERROR(WriteAssistant(message, quirks, json, dropped));
  } else {
    GATEWAY_RETURN_IF_ERROR(
        WriteSpeech(message, rest, quirks, json, dropped, shown));
  }
  if (!message.name().empty()) {
    if (quirks.message_names) {
      json.StringField("name", message.name());
    } else {
      dropped.Changed("messages.name", "this service knows no names");
    }
  }
  GATEWAY_RETURN_IF_ERROR(
      WriteExtensions(message.extensions(), kMessageFields, json, dropped));
  json.EndObject();
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteMessages(const MessageList& messages, JsonWriter& json,
                           DroppedFields& dropped,
                           const OpenAiChatQuirks& quirks) {
  ResultList shown;
  for (const v1::Message& message : messages) {
    GATEWAY_RETURN_IF_ERROR(
        WriteMessage(message, json, dropped, quirks, shown));
  }
  if (shown.empty()) return absl::OkStatus();
  return WriteShownAlone(shown, json, dropped);
}

}  // namespace gateway::chat
