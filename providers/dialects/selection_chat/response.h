// Writes whole answers in the dialect `selection_chat`:
//
//   {"content": "Hello", "model_used": "google/gemini-2.0-flash-exp",
//    "provider": "openrouter",
//    "tokens_used": {"input": 9, "output": 3, "total": 12},
//    "cost_usd": 0.00045, "latency_ms": 812, "trace_id": "...",
//    "conversation_id": null, "timestamp": "2026-01-02T03:04:05.678Z",
//    "finish_reason": "stop"}
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_SELECTION_CHAT_RESPONSE_H_
#define PROVIDERS_DIALECTS_SELECTION_CHAT_RESPONSE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway::selection_chat {

// Appends the answer. The content is the text of the first choice, or its
// refusal; what else it has is listed in `warnings`, which may be null. A cost
// that is not known is written as 0.
absl::Status WriteResponse(const llmgateway::v1::GenerateResponse& response,
                           std::string* body,
                           std::vector<llmgateway::v1::Warning>* warnings);

}  // namespace gateway::selection_chat

#endif  // PROVIDERS_DIALECTS_SELECTION_CHAT_RESPONSE_H_
