// The errors of Chat Completions, both ways: what a provider's failure means
// to us, and what a caller is told about ours.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_ERRORS_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_ERRORS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "providers/dialects/dialect.h"

namespace gateway::chat {

// Makes the fault for an error that came with HTTP status 200: mid-stream, or
// in place of an answer, at its top or in a choice. `text` is the whole event
// or answer.
absl::Status ReadErrorEvent(std::string_view text);

// Writes the answer to a call that failed.
WireError WriteError(const absl::Status& status);

// Writes the body alone, in one line; a stream that broke ends with it, too.
std::string WriteErrorBody(const absl::Status& status);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_ERRORS_H_
