// Writes a request of Gemini's format from a neutral one.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_REQUEST_WRITER_H_
#define PROVIDERS_DIALECTS_GEMINI_REQUEST_WRITER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway::gemini {

namespace v1 = ::llmgateway::v1;

// Appends the request as `model` wants it. What cannot be carried is listed in
// `warnings`.
absl::Status WriteRequest(const v1::GenerateRequest& request,
                          std::string_view model, std::string* body,
                          std::vector<v1::Warning>* warnings);

// As above, for a request to count tokens.
absl::Status WriteCountRequest(const v1::GenerateRequest& request,
                               std::string_view model, std::string* body);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_REQUEST_WRITER_H_
