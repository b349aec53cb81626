// Reads of a request, and of an answer, only what the gateway must know while
// the bytes are forwarded as they are.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_SCAN_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_SCAN_H_

#include <string_view>

#include "absl/status/status.h"
#include "providers/dialects/dialect.h"

namespace gateway {

// One pass. Refuses what would let policy and provider read two different
// requests: a repeated field that a policy depends on, or one of the wrong
// type. What is inside of `messages` and `tools` is the provider's to judge.
absl::Status ScanOpenAiRequest(std::string_view body, RequestScan* scan);

void PlanOpenAiEdits(const RequestScan& scan, std::string_view model,
                     EditPlan* plan);

// An error in the place of an answer is returned as what it says.
absl::Status ScanOpenAiResponse(std::string_view body, ResponseFacts* facts);

}  // namespace gateway

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_SCAN_H_
