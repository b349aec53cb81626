// Whole answers of Chat Completions.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_RESPONSE_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_RESPONSE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// Reads an answer. An error in place of one is returned as the fault that it
// stands for; an answer without choices, or that cannot be understood, is a
// PROVIDER_BAD_RESPONSE.
absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response);

// Returns whether a choice that ended so may have no message. Without one, any
// other is none: what stands there is some other API's.
bool MayLackMessage(std::string_view finish_reason);
inline constexpr std::string_view kNoMessage = "message: required";

// Appends an answer, with the nulls that clients rely on.
absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_RESPONSE_H_
