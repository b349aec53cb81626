#include "service/routing/selection/node_policy.h"

#include <algorithm>
#include <bit>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"

namespace gateway {
namespace {

double TierBonus(CostTier tier) {
  return 5.0 * (static_cast<int>(CostTier::kPremium) - static_cast<int>(tier));
}

void AddPiece(std::string_view separator, std::string_view piece,
              std::string* text) {
  absl::StrAppend(text, text->empty() ? "" : ToAbsl(separator), ToAbsl(piece));
}

}  // namespace

std::string Wanted::Text() const {
  std::string text = CapabilityText(capabilities);
  if (context_window_tokens_min > 0) {
    AddPiece(", ",
             absl::StrCat("a context window of ", context_window_tokens_min,
                          " tokens"),
             &text);
  }
  if (cost_tier_max != CostTier::kPremium) {
    AddPiece(", ",
             absl::StrCat("cost tier ", ToAbsl(CostTierName(cost_tier_max)),
                          " at most"),
             &text);
  }
  return text;
}

Wanted WantedBy(const NodeRequirement& node) {
  return {.capabilities = node.needed(),
          .context_window_tokens_min = node.context_window_tokens_min,
          .cost_tier_max = node.cost_tier_max};
}

std::string Shortfall::Text() const {
  std::string text;
  if (lacking != 0) {
    AddPiece("; ", absl::StrCat("lacks ", CapabilityText(lacking)), &text);
  }
  if (context_window_tokens.has_value()) {
    AddPiece("; ",
             absl::StrCat("its context window of ", *context_window_tokens,
                          " tokens is too small"),
             &text);
  }
  if (cost_tier.has_value()) {
    AddPiece("; ",
             absl::StrCat("its cost tier ", ToAbsl(CostTierName(*cost_tier)),
                          " is too dear"),
             &text);
  }
  return text;
}

Shortfall ShortfallOf(const ModelPolicy& policy, const Wanted& wanted) {
  Shortfall shortfall;
  shortfall.lacking = LackingOf(policy.capabilities, wanted.capabilities);
  if (policy.context_window_tokens < wanted.context_window_tokens_min) {
    shortfall.context_window_tokens = policy.context_window_tokens;
  }
  if (policy.cost_tier > wanted.cost_tier_max) {
    shortfall.cost_tier = policy.cost_tier;
  }
  return shortfall;
}

double NodeScore(const ModelPolicy& policy, const NodeRequirement& node) {
  const CapabilitySet preferred =
      node.preferred & ~LackingOf(policy.capabilities, node.preferred);
  const int64_t window =
      std::max<int64_t>(node.context_window_tokens_min, 1000);
  const double windows =
      static_cast<double>(policy.context_window_tokens) / window;
  return 10.0 * std::popcount(node.required) + 5.0 * std::popcount(preferred) +
         TierBonus(policy.cost_tier) + 2.0 * std::min(windows, 5.0);
}

const ModelPolicy* BestForNode(const PolicyTable& table,
                               const NodeRequirement& node,
                               const PolicyFilter* may_serve) {
  const Wanted wanted = WantedBy(node);
  const ModelPolicy* best = nullptr;
  double best_score = 0;
  for (const ModelPolicy& policy : table.policies()) {
    if (!ShortfallOf(policy, wanted).none()) continue;
    if (may_serve != nullptr && !(*may_serve)(policy)) continue;
    const double score = NodeScore(policy, node);
    if (best != nullptr && score <= best_score) continue;
    best = &policy;
    best_score = score;
  }
  return best;
}

}  // namespace gateway
