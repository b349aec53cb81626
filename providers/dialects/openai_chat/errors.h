// The errors of Chat Completions, both ways: what a provider's failure means
// to us, and what a caller is told about ours.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_ERRORS_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_ERRORS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "providers/dialects/dialect.h"

namespace gateway {

// Makes the fault for a failed HTTP answer, told first by what its body says of
// money, context and policy, then by its status. `now` is for delays given as
// dates.
absl::Status ReadOpenAiError(const HttpFailure& failure, absl::Time now);

// Makes the fault for an error that came with HTTP status 200: mid-stream, or
// in place of an answer, at its top or in a choice. `text` is the whole event
// or answer.
absl::Status ReadOpenAiErrorEvent(std::string_view text);

// Writes the answer to a call that failed.
WireError WriteOpenAiError(const absl::Status& status);

// Writes the body alone, in one line; a stream that broke ends with it, too.
std::string OpenAiErrorBody(const absl::Status& status);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_ERRORS_H_
