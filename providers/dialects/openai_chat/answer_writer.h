// Writes the message of a choice in the words of Chat Completions.
//
// Reasoning travels as `reasoning_content`; what its provider signed is
// repeated whole in `reasoning_details`, and pictures stand in `images`, so
// that a client who sends the message back loses nothing.
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_ANSWER_WRITER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_ANSWER_WRITER_H_

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/citations.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// Writes one entry of `annotations`.
void WriteChatCitation(const CitedSpan& span, JsonWriter& json);

// Writes the message. Content that Chat Completions has no place for is
// recorded as dropped.
absl::Status WriteAnswer(const v1::Message& message, JsonWriter& json,
                         DroppedFields& dropped);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_ANSWER_WRITER_H_
