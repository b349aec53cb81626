// Reads one entry of a message's `content`, where that is a list: a text, a
// picture, a sound, a file, a refusal, or, of Mistral's models, a thought:
//
//   {"type":"thinking","thinking":[{"type":"text","text":"Hm."}]}
//
// What the contract does not model becomes an opaque part; fields that it does
// not model become extensions of the part.
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_PART_READER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_PART_READER_H_

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// Reads one entry. Errors name the place within `value`, as a reader's do.
absl::Status ReadPart(JsonValue& value, v1::Part* part);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_PART_READER_H_
