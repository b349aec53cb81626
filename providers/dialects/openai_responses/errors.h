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

// Makes the fault that `{"code", "message"}` of a failed answer reports.
absl::Status ReadFailure(std::string_view error_json);

// Makes the fault for an answer that says no more of why it failed than its
// `status`.
absl::Status GaveUpFault(std::string_view status);

// Makes the fault of an `error` event, flat or nested.
absl::Status ReadErrorEvent(std::string_view data);

// Returns the `code` for the `error` of an answer that failed, of the format's
// own list.
std::string_view FailureCode(v1::ErrorReason reason);

// Writes the `error` object of an `error` event, in one line.
std::string WriteErrorObject(const absl::Status& status);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_ERRORS_H_
