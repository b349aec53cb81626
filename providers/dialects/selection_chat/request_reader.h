// Reads what is asked for in the dialect `selection_chat`:
//
//   {"messages": [{"role": "user", "content": "Hello"}],
//    "node_name": "writer", "capabilities": ["streaming"],
//    "strategy": "balanced", "temperature": 0.7, "max_tokens": 1000,
//    "user_context": {"user_id": "u-1"}}
//
// What a model is chosen by goes into `selection`, only as far as it is said:
// which node is meant where none is named, the API knows. Fields that nobody
// knows become extensions. Errors name the field.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_SELECTION_CHAT_REQUEST_READER_H_
#define PROVIDERS_DIALECTS_SELECTION_CHAT_REQUEST_READER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::selection_chat {

// Where a request does not say.
inline constexpr double kTemperatureDefault = 0.7;
inline constexpr int32_t kOutputTokensMax = 8000;

// What a request says and the contract's message does not.
struct RequestWishes {
  bool stream = false;
  std::string mode;  // Of the older form; empty if it says none.
};

// Replaces both, here and below.
absl::Status ReadRequest(std::string_view body,
                         llmgateway::v1::GenerateRequest* request,
                         RequestWishes* wishes);

// The older form: `messages` may be one text, and a `mode`, such as `research`,
// stands for a node and for what its model must be able to do.
absl::Status ReadLegacyRequest(std::string_view body,
                               llmgateway::v1::GenerateRequest* request,
                               RequestWishes* wishes);

// Reads what a choice is asked for by: a request as ReadRequest takes it, a
// list of capabilities, or nothing at all.
absl::Status ReadPreview(std::string_view body,
                         llmgateway::v1::GenerateRequest* request);

// Returns the node that a mode stands for: `legacy_research`, and
// `legacy_general` for none.
std::string NodeOfMode(std::string_view mode);

// Returns what a mode needs, in upper or lower case. One that nobody knows, or
// none, needs what `general` does. Valid forever.
absl::Span<const std::string_view> CapabilitiesOfMode(std::string_view mode);

}  // namespace gateway::selection_chat

#endif  // PROVIDERS_DIALECTS_SELECTION_CHAT_REQUEST_READER_H_
