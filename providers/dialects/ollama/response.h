// Reads whole answers of Ollama's chat format.
//
// Thread-safe: a plain function.

#ifndef PROVIDERS_DIALECTS_OLLAMA_RESPONSE_H_
#define PROVIDERS_DIALECTS_OLLAMA_RESPONSE_H_

#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::ollama {

namespace v1 = ::llmgateway::v1;

// Reads a whole answer: reasoning comes first, then the text, then the tool
// calls. Errors are PROVIDER_BAD_RESPONSE faults, or what the answer itself
// reports.
absl::Status ReadResponse(std::string_view body,
                          v1::GenerateResponse* response);

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_RESPONSE_H_
