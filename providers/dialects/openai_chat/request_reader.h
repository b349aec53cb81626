// Reads the body of POST /v1/chat/completions.
//
// Old forms are read into what replaced them: `functions` and `function_call`
// into tools and tool choice, `max_tokens` into `max_output_tokens` (where
// `max_completion_tokens` is also given, that one counts), `user` into the
// scope's user (`safety_identifier` counts before it). Null means absent.
//
// Thread-safe: a free function.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_REQUEST_READER_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_REQUEST_READER_H_

#include <string_view>

#include "absl/status/status.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// Reads a request. Errors are INVALID_REQUEST and name the field. A repeated
// top-level field is refused: it would mean different things to different
// readers.
absl::Status ReadRequest(std::string_view body, v1::GenerateRequest* request,
                         bool* stream, bool* stream_usage);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_REQUEST_READER_H_
