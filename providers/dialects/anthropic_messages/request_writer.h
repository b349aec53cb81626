// Writes a request in the Messages format.
//
// What other formats allow and this one does not is brought into its shape:
// leading system and developer messages become `system`, later ones follow them
// there; tool results and the user's words after a turn with tool calls become
// one user message, the results first. What has no shape here is told as a
// warning.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_REQUEST_WRITER_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_REQUEST_WRITER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway::anthropic {

// The format requires an output limit. If the caller gave none, the model is
// asked for all that it can answer with, streamed or not: it ends when it has
// said all, and how long is waited for that is the provider's configuration.
// Where that is not known, or has no room beside the prompt, it is asked for
// less, and a warning says so: a cut at a limit that nobody asked for would be
// a riddle.
absl::Status WriteRequest(const v1::GenerateRequest& request,
                          const WriteRequestOptions& options, std::string* body,
                          std::vector<v1::Warning>* warnings);

// Writes only what makes up the prompt: a request to count tokens.
absl::Status WriteCountTokensRequest(const v1::GenerateRequest& request,
                                     std::string_view model, std::string* body);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_REQUEST_WRITER_H_
