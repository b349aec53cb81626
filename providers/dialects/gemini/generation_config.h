// `generationConfig`: how the next token is chosen, how much is thought, what
// form the answer has. Read into the fields of the contract and written from
// them; what they do not know stays as `generationConfig.<name>`.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_GEMINI_GENERATION_CONFIG_H_
#define PROVIDERS_DIALECTS_GEMINI_GENERATION_CONFIG_H_

#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/gemini/fields.h"

namespace gateway::gemini {

absl::Status ReadGenerationConfig(JsonValue& value,
                                  v1::GenerateRequest* request);

// Writes the field into `object`, unless there is nothing to say. How effort is
// asked for depends on the family of `model`.
absl::Status WriteGenerationConfig(const v1::GenerateRequest& request,
                                   std::string_view model, ObjectWriter& object,
                                   DroppedFields& dropped);

}  // namespace gateway::gemini

#endif  // PROVIDERS_DIALECTS_GEMINI_GENERATION_CONFIG_H_
