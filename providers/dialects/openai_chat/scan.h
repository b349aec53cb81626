// Reads of a request, and of an answer, only what the gateway must know while
// the bytes are forwarded as they are.
//
// Thread-safe: free functions.

#ifndef PROVIDERS_DIALECTS_OPENAI_CHAT_SCAN_H_
#define PROVIDERS_DIALECTS_OPENAI_CHAT_SCAN_H_

#include <string_view>

#include "absl/status/status.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/openai_chat/quirks.h"

namespace gateway::chat {

// One pass. Refuses what would let policy and provider read two different
// requests: a repeated field that a policy depends on, or one of the wrong
// type. What is inside of `messages` and `tools` is the provider's to check.
absl::Status ScanRequest(std::string_view body, RequestScan* scan);

// Whether a service with `quirks` can be sent the scanned bytes with nothing
// but the edits below. It cannot where it would take two limits for one, where
// it does not know a field that the gateway too has a say in
// (`stream_options`), or where words deep inside must be others (the role
// `developer`, a JSON Schema) or more (the reasoning of turns that called
// tools): then the request is read and written anew. Such words are looked for
// as texts, wherever they stand: one too many costs a reading, no more.
bool CanForward(const RequestScan& scan, std::string_view body,
                const OpenAiChatQuirks& quirks);

// Plans the edits: the model's name, the wish for usage in streams, and the
// limit's name.
void PlanEdits(const RequestScan& scan, std::string_view model, EditPlan* plan,
               const OpenAiChatQuirks& quirks = OpenAiChatQuirks());

// Scans an answer. An error in place of one is returned as the fault that it
// stands for.
absl::Status ScanResponse(std::string_view body, ResponseFacts* facts);

}  // namespace gateway::chat

#endif  // PROVIDERS_DIALECTS_OPENAI_CHAT_SCAN_H_
