// Reads and writes whole answers of Gemini's format. A prompt that was blocked
// is an answer without candidates; here it is one that the filter ended.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_RESPONSE_H_
#define PROVIDERS_DIALECTS_GEMINI_RESPONSE_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::gemini {

namespace v1 = ::llmgateway::v1;

absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response);

absl::Status WriteResponse(const v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<v1::Warning>* warnings);

absl::StatusOr<int64_t> ReadCountResponse(std::string_view body);
void WriteCountResponse(int64_t tokens, std::string* body);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_RESPONSE_H_
