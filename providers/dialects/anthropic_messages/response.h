// Reads and writes whole answers of the Messages format.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_RESPONSE_H_
#define PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_RESPONSE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::anthropic {

namespace v1 = ::llmgateway::v1;

// Reads a whole answer. Errors are PROVIDER_BAD_RESPONSE faults, or what the
// answer itself reports.
absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response);

// Writes the first choice, since the format has one answer.
absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings);

// Read and write the answer to counting tokens.
absl::StatusOr<int64_t> ReadCountTokensResponse(std::string_view body);
void WriteCountTokensResponse(int64_t input_tokens, std::string* body);

}  // namespace gateway::anthropic

#endif  // PROVIDERS_DIALECTS_ANTHROPIC_MESSAGES_RESPONSE_H_
