#include "providers/dialects/openai_chat/message_writer.h"

#include <string>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_chat/assistant_turn.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/part_writer.h"
#include "providers/dialects/openai_chat/quirks.h"
#include "providers/dialects/openai_chat/vendor_names.h"

namespace gateway::chat {
namespace {

absl::Status WriteToolResult(const v1::ToolResult& result,
                             const OpenAiChatQuirks& quirks, JsonWriter& json,
                             DroppedFields& dropped) {
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
  PartList parts;
  for (const v1::Part& part : result.parts()) parts.push_back(&part);
  json.Key("content");
  GATEWAY_RETURN_IF_ERROR(
      WriteContent(parts, /*text_only=*/true, json, dropped));
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

// Writes one entry whose content is `parts`; nothing if there are none.
absl::Status WriteSpeech(const v1::Message& message, const PartList& parts,
                         const OpenAiChatQuirks& quirks, JsonWriter& json,
                         DroppedFields& dropped) {
  const bool renamed =
      message.role() == v1::ROLE_DEVELOPER && !quirks.developer_role;
  json.StringField("role",
                   WriteRole(renamed ? v1::ROLE_SYSTEM : message.role()));
  json.Key("content");
  return WriteContent(parts, message.role() != v1::ROLE_USER, json, dropped);
}

}  // namespace

absl::Status WriteMessage(const v1::Message& message, JsonWriter& json,
                          DroppedFields& dropped,
                          const OpenAiChatQuirks& quirks) {
  PartList rest;
  bool extensions_written = false;
  for (const v1::Part& part : message.parts()) {
    if (!part.has_tool_result()) {
      rest.push_back(&part);
      continue;
    }
    if (part.has_cache_hint()) {
      dropped.Changed("cache_hint", "OpenAI caches prompts of its own accord");
    }
    GATEWAY_RETURN_IF_ERROR(
        WriteToolResult(part.tool_result(), quirks, json, dropped));
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
  json.StartObject();
  if (message.role() == v1::ROLE_ASSISTANT) {
    GATEWAY_RETURN_IF_ERROR(WriteAssistant(message, quirks, json, dropped));
  } else {
    GATEWAY_RETURN_IF_ERROR(WriteSpeech(message, rest, quirks, json, dropped));
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

}  // namespace gateway::chat
