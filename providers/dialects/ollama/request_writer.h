// Writes a request in Ollama's chat format.
//
// Sampling goes into `options`, beside what the runtime calls its own there.
// The format cannot make the model call a tool: tools that may not be called
// are not offered, and the rest is told as a warning, as is all that has no
// shape here.
//
// Thread-safe: a plain function.

#ifndef PROVIDERS_DIALECTS_OLLAMA_REQUEST_WRITER_H_
#define PROVIDERS_DIALECTS_OLLAMA_REQUEST_WRITER_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"

namespace gateway::ollama {

// Writes a request. `stream` is always written, since the format streams unless
// told not to. `keep_alive` is the configuration's, for requests that do not
// say it.
absl::Status WriteRequest(const v1::GenerateRequest& request,
                          const WriteRequestOptions& options,
                          std::string_view keep_alive, std::string* body,
                          std::vector<v1::Warning>* warnings);

}  // namespace gateway::ollama

#endif  // PROVIDERS_DIALECTS_OLLAMA_REQUEST_WRITER_H_
