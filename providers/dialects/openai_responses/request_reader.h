// Reads a request of the Responses format.
//
// `instructions` become the leading message; items become messages as
// item_reader.h says; fields that the contract does not model become
// extensions, those of nested objects by the name `object.field`.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_REQUEST_READER_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_REQUEST_READER_H_

#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::responses {

namespace v1 = ::llmgateway::v1;

// The most items of a conversation.
inline constexpr int kItemsLimit = 100'000;

// The value of `include` that asks for logprobs.
inline constexpr std::string_view kIncludeLogprobs =
    "message.output_text.logprobs";

// Reads a request. Errors are INVALID_REQUEST faults that name the field.
absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                         bool* stream);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_REQUEST_READER_H_
