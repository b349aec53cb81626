// Writes, in the dialect `selection_chat`, which model would be chosen, and
// what may be asked of one:
//
//   {"selected_model": "gemini-2.5-pro", "provider": "openrouter",
//    "reasoning": "balanced: ...", "confidence_score": 0.6,
//    "estimated_cost": 0.00045, "alternatives": [], "fallback_chain": [],
//    "capabilities": {"streaming": true, "vision": false}}
//
//   {"capabilities": [{"name": "streaming", "description": "...",
//                      "category": "interaction", "models": ["..."]}],
//    "strategies": [{"name": "balanced", "description": "..."}]}
//
// Thread-safe: plain functions.

#ifndef PROVIDERS_DIALECTS_SELECTION_CHAT_PREVIEW_WRITER_H_
#define PROVIDERS_DIALECTS_SELECTION_CHAT_PREVIEW_WRITER_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "llmgateway/v1/usage.pb.h"

namespace gateway::selection_chat {

// A capability, and whether the model has it.
using Ability = std::pair<std::string_view, bool>;

// Appends where a request would go. What is not known of it is null: the
// confidence and the cost of a route without a selection, and the abilities if
// there are none.
void WritePreview(const llmgateway::v1::Route& route,
                  absl::Span<const Ability> abilities, std::string* body);

struct OfferedCapability {
  std::string_view name;
  std::string_view description;
  std::string_view category;
  std::vector<std::string_view> models;  // Ids of policies.
};

struct OfferedStrategy {
  std::string_view name;
  std::string_view description;
};

// Appends what may be asked of a model.
void WriteOffer(absl::Span<const OfferedCapability> capabilities,
                absl::Span<const OfferedStrategy> strategies,
                std::string* body);

}  // namespace gateway::selection_chat

#endif  // PROVIDERS_DIALECTS_SELECTION_CHAT_PREVIEW_WRITER_H_
