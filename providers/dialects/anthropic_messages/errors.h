// The errors of the Messages format, both ways: what a provider's failure means
// to us, and what a caller is told about ours.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ERRORS_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ERRORS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway::anthropic {

// Makes the fault for a failed HTTP answer. Never fails itself: a body that
// cannot be understood is quoted, bounded and scrubbed. Dates in headers are
// counted from `now`.
absl::Status ReadError(const HttpFailure& failure, absl::Time now);

// Makes the fault for an error that came with HTTP status 200: mid-stream, or
// in place of an answer.
absl::Status ReadErrorEvent(std::string_view data);

// Writes the answer to a call that failed.
WireError WriteError(const absl::Status& status, std::string_view request_id);

// Writes the body of an error, for an answer or an `error` event, in one line.
std::string WriteErrorBody(const absl::Status& status,
                           std::string_view request_id);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ERRORS_H_
