// The likelihoods of tokens in Chat Completions.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_LOGPROBS_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_LOGPROBS_H_

#include "absl/status/status.h"
#include "base/text/json.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

using TokenLogprobs = google::protobuf::RepeatedPtrField<v1::TokenLogprob>;

// Reads one list of tokens, as in the Responses format, too; there, each token
// has its bytes.
absl::Status ReadTokenLogprobs(JsonValue& list, TokenLogprobs* tokens);
void WriteTokenLogprobs(const TokenLogprobs& tokens, JsonWriter& json);

// Reads `{"content": [...], "refusal": [...]}`, whose values may be null.
absl::Status ReadLogprobs(JsonValue& value, v1::Logprobs* logprobs);

// Writes the object; an empty list as null.
void WriteLogprobs(const v1::Logprobs& logprobs, JsonWriter& json);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_LOGPROBS_H_
