// Tools, tool choice and response format in the words of Chat Completions.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_TOOLS_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_TOOLS_H_

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/content.pb.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {

namespace v1 = ::llmgateway::v1;

// Reads an entry of `tools`. A tool of an unknown type is kept whole.
absl::Status ReadTool(JsonValue& value, v1::Tool* tool);

// Reads an entry of the old `functions`.
absl::Status ReadLegacyFunction(JsonValue& value, v1::Tool* tool);

// Reads `tool_choice` or the old `function_call`. A form that the contract
// does not model becomes the request's extension `tool_choice`.
absl::Status ReadToolChoice(JsonValue& value, v1::GenerateRequest* request);

// Reads `response_format`, with unknown forms kept likewise.
absl::Status ReadResponseFormat(JsonValue& value, v1::GenerateRequest* request);

// Each writes its field, key included, if the request has one.
absl::Status WriteTools(const v1::GenerateRequest& request, JsonWriter& json,
                        DroppedFields& dropped);
void WriteToolChoice(const v1::GenerateRequest& request, JsonWriter& json);
absl::Status WriteResponseFormat(const v1::GenerateRequest& request,
                                 JsonWriter& json);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_TOOLS_H_
