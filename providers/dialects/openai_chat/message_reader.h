// Reads one message of Chat Completions: an entry of a request's `messages` or
// the `message` of a choice. The same words serve both.
//
//   v1::Message* message = request->add_messages();
//   LegacyCalls legacy;
//   absl::Status status = ReadMessage(value, &legacy, message);
//
// The parts come in the order reasoning, content, refusal, sound, tool calls,
// whatever the order of the fields.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_MESSAGE_READER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_MESSAGE_READER_H_

#include <string>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// The form that came before tools: a `function_call` without an id, answered
// by a message of the role `function`. It is read into tool calls, for which
// ids are made up here that the answers repeat.
struct LegacyCalls {
  int count = 0;
  std::string open_id;  // The id of the call that awaits its answer.
};

// Reads a message. One without a role is the assistant's if `legacy` is null:
// answers may leave it out.
absl::Status ReadMessage(JsonValue& value, LegacyCalls* legacy,
                         v1::Message* message);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_MESSAGE_READER_H_
