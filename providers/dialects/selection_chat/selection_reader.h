// Reads what a model is to be chosen by in the dialect `selection_chat`, among
// the fields of a request or alone:
//
//   {"node_name": "writer", "capabilities": ["streaming"],
//    "strategy": "cost_optimized", "cost_tier_override": "MEDIUM",
//    "budget_remaining": 0.05, "previous_failures": ["claude-sonnet"]}
//
// Null is as absent. Whether there is such a capability is checked by whoever
// chooses.
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_SELECTION_CHAT_SELECTION_READER_H_
#define PROVIDERS_DIALECTS_SELECTION_CHAT_SELECTION_READER_H_

#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::selection_chat {

// What is left of a budget may be this many dollars at most.
inline constexpr double kBudgetMaxUsd = 1e6;

// Returns whether a field of this name is one of those above.
bool IsSelectionField(std::string_view key);

// Reads such a field.
absl::Status ReadSelectionField(std::string_view key, JsonValue& value,
                                llmgateway::v1::Selection* selection);

// Reads the name of a strategy, such as `balanced`. kInvalidArgument for any
// other text; the message lists those that there are.
absl::Status ReadStrategy(std::string_view name,
                          llmgateway::v1::Selection* selection);

}  // namespace gateway::selection_chat

#endif  // PROVIDERS_DIALECTS_SELECTION_CHAT_SELECTION_READER_H_
