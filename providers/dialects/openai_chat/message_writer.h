// Writes the turns of a request in the words of Chat Completions.
//
// A lone text is written as a string, several parts as an array. Each tool
// result becomes a message of its own, before what its message says besides.
// Such messages hold text only: pictures and files of the results of a run
// follow it, at the beginning of the user's next message or in one of its own.
// Reasoning travels as `reasoning_content`, or as the service calls it.
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_MESSAGE_WRITER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_MESSAGE_WRITER_H_

#include "absl/status/status.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_chat/fields.h"
#include "providers/dialects/openai_chat/quirks.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

using MessageList = google::protobuf::RepeatedPtrField<v1::Message>;

// Writes the entries of `messages` that the turns amount to.
absl::Status WriteMessages(const MessageList& messages, JsonWriter& json,
                           DroppedFields& dropped,
                           const OpenAiChatQuirks& quirks = OpenAiChatQuirks());

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_MESSAGE_WRITER_H_
