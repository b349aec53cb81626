// Reads a request of Gemini's format.
//
// `systemInstruction` becomes the leading message; each function response
// becomes a message of ROLE_TOOL; calls and responses without ids get some, so
// that each response names its call; fields that the contract does not model
// become extensions, those of nested objects by the name `object.field`. The
// model is not in the body.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_REQUEST_READER_H_
#define PROVIDERS_DIALECTS_GEMINI_REQUEST_READER_H_

#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::gemini {

namespace v1 = ::llmgateway::v1;

// The most messages that are read.
inline constexpr int kMessagesLimit = 100'000;

// Reads a request. Errors are INVALID_REQUEST faults that name the field.
absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request);

// Reads a request to count tokens: contents alone, or a whole request in an
// envelope.
absl::Status ReadCountRequest(std::string_view body,
                              v1::GenerateRequest* request);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_REQUEST_READER_H_
