// Writes a request in the Responses format.
//
// A leading system message of one text becomes `instructions`; everything else
// becomes items. What has no shape here is told as a warning.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_REQUEST_WRITER_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_REQUEST_WRITER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway::responses {

// The smallest output limit that the format allows.
inline constexpr int kOutputTokensMin = 16;

absl::Status WriteRequest(const v1::GenerateRequest& request,
                          const WriteRequestOptions& options, std::string* body,
                          std::vector<v1::Warning>* warnings);

// Writes only what makes up the prompt: a request to count tokens.
absl::Status WriteCountRequest(const v1::GenerateRequest& request,
                               std::string_view model, std::string* body);

// Returns whether the message becomes the format's `instructions`.
bool IsInstructions(const v1::Message& message);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_REQUEST_WRITER_H_
