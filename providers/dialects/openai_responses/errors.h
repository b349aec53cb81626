// The errors that the Responses format has beside those of every OpenAI API
// (openai_chat/errors.h): of an answer that failed, and amid a stream.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_ERRORS_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_ERRORS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway::responses {

namespace v1 = ::llmgateway::v1;

// The fault that `{"code", "message"}` of a failed answer reports.
absl::Status ReadFailure(std::string_view error_json);

// The fault of an `error` event, flat or nested.
absl::Status ReadErrorEvent(std::string_view data);

// The `error` of an answer that failed: one word of the format's own list.
std::string_view FailureCode(v1::ErrorReason reason);

// The `error` object of an `error` event. One line.
std::string WriteErrorObject(const absl::Status& status);

// `status` of reading what a provider sent, as the fault that it is.
absl::Status AsBadResponse(const absl::Status& status);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_ERRORS_H_
