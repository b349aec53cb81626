// An assistant's turn, sorted by where its parts go in Chat Completions.
//
// Borrows the message.
//
// Thread contract: plain data.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_ASSISTANT_TURN_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_ASSISTANT_TURN_H_

#include <optional>
#include <string>

#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_chat/part_writer.h"

namespace gateway::chat {

struct AssistantTurn {
  explicit AssistantTurn(const v1::Message& message) {
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
        case v1::Part::kImage:
          images.push_back(&part);
          break;
        default:
          content.push_back(&part);
      }
    }
  }

  PartList reasoning;
  PartList content;
  PartList images;
  PartList calls;
  std::optional<std::string> refusal;
  const v1::Part* audio = nullptr;
};

// Returns whether the reasoning is signed, so that only the provider that
// signed it can read it.
inline bool IsSigned(const v1::Reasoning& reasoning) {
  return !reasoning.signature().empty() || !reasoning.redacted_data().empty();
}

// Fields of a message that are written from its parts, or merged with them.
inline constexpr std::string_view kMessageFields[] = {
    "role",          "content",  "name",         "refusal",
    "tool_calls",    "audio",    "tool_call_id", "reasoning_content",
    "function_call", "reasoning"};

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_ASSISTANT_TURN_H_
