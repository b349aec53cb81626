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

namespace gateway {

namespace v1 = ::llmgateway::v1;

// Reads an entry of `tools`. A tool of an unknown type is kept whole.
absl::Status ReadOpenAiTool(JsonValue& value, v1::Tool* tool);

// Reads an entry of the old `functions`.
absl::Status ReadOpenAiFunction(JsonValue& value, v1::Tool* tool);

// Reads `tool_choice` or the old `function_call`. A form that the contract
// does not model becomes the request's extension `tool_choice`.
absl::Status ReadOpenAiToolChoice(JsonValue& value,
                                  v1::GenerateRequest* request);

// Reads `response_format`, with unknown forms kept likewise.
absl::Status ReadOpenAiResponseFormat(JsonValue& value,
                                      v1::GenerateRequest* request);

// Each writes its field, key included, if the request has one.
absl::Status WriteOpenAiTools(const v1::GenerateRequest& request,
                              JsonWriter& json, DroppedFields& dropped);
void WriteOpenAiToolChoice(const v1::GenerateRequest& request,
                           JsonWriter& json);
absl::Status WriteOpenAiResponseFormat(const v1::GenerateRequest& request,
                                       JsonWriter& json);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_TOOLS_H_
