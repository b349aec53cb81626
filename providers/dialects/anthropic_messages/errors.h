// The errors of the Messages format of the gateway's own: what a caller is told
// about a failure. What a provider's means is read by error_reason.h.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ERRORS_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ERRORS_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway::anthropic {

// Writes the answer to a call that failed.
WireError WriteError(const absl::Status& status, std::string_view request_id);

// Writes the body of an error, for an answer or an `error` event, in one line.
std::string WriteErrorBody(const absl::Status& status,
                           std::string_view request_id);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_ERRORS_H_
