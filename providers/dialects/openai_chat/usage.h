// Usage as Chat Completions counts it: `prompt_tokens` with what was cached,
// `completion_tokens` with what was reasoned.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_USAGE_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_USAGE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway {

namespace v1 = ::llmgateway::v1;

// A larger count is an error: no call consumes as many tokens.
inline constexpr int64_t kUsageTokensMax = 1'000'000'000;

// Replaces `usage` by what the object says. Negative and absurd numbers are
// errors; so is anything that is not a number. What was cached is at most the
// whole input, whatever the provider says. What the contract has no field for,
// such as OpenRouter's `cost`, goes to `others` if that is not null.
absl::Status ReadOpenAiUsage(JsonValue& value, v1::Usage* usage,
                             Leftovers* others = nullptr);

// Writes the object, details included.
void WriteOpenAiUsage(const v1::Usage& usage, JsonWriter& json);

// As above, with what the extension `usage` has collected.
absl::Status WriteOpenAiUsage(const v1::Usage& usage,
                              const Extensions& extensions, JsonWriter& json);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_USAGE_H_
