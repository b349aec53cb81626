// What a request's prompt begins with: calls that agree in it can share what a
// provider keeps of prompts. It is the same for all turns of a conversation,
// and, of texts and tools, whatever API the request came by.
//
//   PromptPrefix(raw, 1024);      // Of bytes that may be forwarded.
//   PromptPrefix(request, 1024);  // Of a message.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_PROMPT_PREFIX_H_
#define PROVIDERS_PROMPT_PREFIX_H_

#include <cstddef>
#include <string>

#include "llmgateway/v1/gateway.pb.h"
#include "providers/provider.h"

namespace gateway {

// The `prompt_cache_key` of the request or, without one, what the system says,
// the tools' names, and the first turn, in at most `bytes_max` bytes. Empty if
// there is nothing of all that, or it cannot be read. Bytes are walked through
// once more.
std::string PromptPrefix(const RawRequest& raw, size_t bytes_max);
std::string PromptPrefix(const llmgateway::v1::GenerateRequest& request,
                         size_t bytes_max);

}  // namespace gateway

#endif  // PROVIDERS_PROMPT_PREFIX_H_
