// Usage as Chat Completions counts it: `prompt_tokens` with what was cached,
// `completion_tokens` with what was reasoned.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_USAGE_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_USAGE_H_

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// Bounds what was cached, and what was written to the cache, by the whole
// input, whatever the provider says.
void BoundParts(v1::Usage* usage);

// Replaces `usage` by what the object says. Negative and absurd numbers are
// errors, and so is anything that is not a number: `usage` has the others then,
// and is marked as estimated. What callers of this format know
// and others do not, such as OpenRouter's `cost`, goes to `others` as well, if
// that is not null.
absl::Status ReadUsage(JsonValue& value, v1::Usage* usage,
                       Leftovers* others = nullptr);

// Writes the object, details included.
void WriteUsage(const v1::Usage& usage, JsonWriter& json);

// As above, with what the extension `usage` has collected.
absl::Status WriteUsage(const v1::Usage& usage, const ExtensionList& extensions,
                        JsonWriter& json);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_USAGE_H_
