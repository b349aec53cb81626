// Reads a request of the Messages format.
//
// System prompts become the leading message; each tool result becomes a message
// of ROLE_TOOL before the rest of its user message; fields that the contract
// does not model become extensions, those of nested objects by the name
// `object.field`.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_REQUEST_READER_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_REQUEST_READER_H_

#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::anthropic {

namespace v1 = ::llmgateway::v1;

// The format's own limit of messages.
inline constexpr int kMessagesLimit = 100'000;

// Reads a request. Errors are INVALID_REQUEST faults that name the field.
absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                         bool* stream);

// Reads a request to count tokens, which has no `max_tokens`.
absl::Status ReadCountTokensRequest(std::string_view body,
                                    v1::GenerateRequest* request);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_REQUEST_READER_H_
