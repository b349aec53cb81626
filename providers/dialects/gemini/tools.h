// `tools` and `toolConfig`. The functions of all tools are one tool; what the
// provider itself runs, such as its search, is kept whole.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_TOOLS_H_
#define PROVIDERS_DIALECTS_GEMINI_TOOLS_H_

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/gemini/fields.h"

namespace gateway::gemini {

absl::Status ReadTools(JsonValue& value, v1::GenerateRequest* request);
absl::Status ReadToolConfig(JsonValue& value, v1::GenerateRequest* request);

// Write their fields into `object`, where the request has them.
absl::Status WriteTools(const v1::GenerateRequest& request,
                        ObjectWriter& object, DroppedFields& dropped);
absl::Status WriteToolConfig(const v1::GenerateRequest& request,
                             ObjectWriter& object, DroppedFields& dropped);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_TOOLS_H_
