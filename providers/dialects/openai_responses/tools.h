// Tools, the choice among them and the form of the answer in the Responses
// format: flat, where Chat Completions nests.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_RESPONSES_TOOLS_H_
#define PROVIDERS_DIALECTS_OPENAI_RESPONSES_TOOLS_H_

#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/openai_responses/fields.h"

namespace gateway::responses {

// Reads one tool. A tool that the provider itself defines is kept whole.
absl::Status ReadTool(JsonValue& value, v1::Tool* tool);

// Reads the choice. One that the contract does not model becomes an extension.
absl::Status ReadToolChoice(JsonValue& value, v1::GenerateRequest* request);

// Reads `text`: the form of the answer and its length.
absl::Status ReadTextSettings(JsonValue& value, v1::GenerateRequest* request);

// Each writes its field if the request has any.
absl::Status WriteTools(const v1::GenerateRequest& request,
                        DroppedFields& dropped, ObjectWriter& object);
absl::Status WriteToolChoice(const v1::GenerateRequest& request,
                             ObjectWriter& object);
absl::Status WriteTextSettings(const v1::GenerateRequest& request,
                               ObjectWriter& object);

}  // namespace gateway::responses

#endif  // PROVIDERS_DIALECTS_OPENAI_RESPONSES_TOOLS_H_
