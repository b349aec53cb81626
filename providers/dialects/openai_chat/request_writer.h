// Writes a request for an upstream that speaks Chat Completions, in the modern
// words only (`max_completion_tokens`, `tools`, `safety_identifier`) unless the
// service's quirks want others.
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_REQUEST_WRITER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_REQUEST_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/quirks.h"

namespace gateway::chat {

// Appends the body. A stream always asks for its usage. No extension replaces
// what the contract has a field for, or what policies depend on.
absl::Status WriteRequest(const v1::GenerateRequest& request,
                          const WriteRequestOptions& options, std::string* body,
                          std::vector<v1::Warning>* warnings,
                          const OpenAiChatQuirks& quirks = OpenAiChatQuirks());

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_REQUEST_WRITER_H_
