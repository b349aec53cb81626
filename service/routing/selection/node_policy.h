// Which model suits a node: what a model lacks for it, and, if it lacks
// nothing, how well it suits.
//
//   const NodeRequirement& writer = table.RequirementOf("writer");
//   const ModelPolicy* best = BestForNode(table, writer);
//
//   const Shortfall shortfall = ShortfallOf(policy, WantedBy(writer));
//   shortfall.Text();           // "lacks web_search"; empty if it lacks
//   nothing NodeScore(policy, writer);  // 48.0
//
// The score of a model that lacks nothing is
//
//   10 for each required capability + 5 for each preferred one that it has
//   + 15 for tier LOW, 10 for MEDIUM, 5 for HIGH, 0 for PREMIUM
//   + 2 * min(its context window / max(the node's least window, 1000), 5)
//
// Thread contract: plain data and pure functions.

#ifndef SERVICE_ROUTING_SELECTION_NODE_POLICY_H_
#define SERVICE_ROUTING_SELECTION_NODE_POLICY_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/model_policy.h"

namespace gateway {

// What a model must have to be considered at all.
struct Wanted {
  CapabilitySet capabilities = 0;
  int64_t context_window_tokens_min = 0;
  CostTier cost_tier_max = CostTier::kPremium;

  // As in `web_search, a context window of 16000 tokens, cost tier HIGH at
  // most`.
  std::string Text() const;
};

// Returns what a node asks of each of its models.
Wanted WantedBy(const NodeRequirement& node);

// What of it a model does not have.
struct Shortfall {
  CapabilitySet lacking = 0;
  // Unset where the model has enough, or is cheap enough.
  std::optional<int64_t> context_window_tokens;  // The model's own.
  std::optional<CostTier> cost_tier;             // The model's own.

  bool none() const {
    return lacking == 0 && !context_window_tokens.has_value() &&
           !cost_tier.has_value();
  }

  // As in `lacks web_search; its context window of 8000 tokens is too small`;
  // empty if there is none.
  std::string Text() const;
};

Shortfall ShortfallOf(const ModelPolicy& policy, const Wanted& wanted);

// Returns how well a model suits a node. REQUIRES: it lacks nothing that the
// node asks for.
double NodeScore(const ModelPolicy& policy, const NodeRequirement& node);

// Whether a model may serve at all, whatever a node asks for.
using PolicyFilter = absl::FunctionRef<bool(const ModelPolicy&)>;

// Returns the model with the best score, of several the one that was configured
// first; null if none that may serve (null for all) has all that the node asks
// for. Valid as long as `table`.
const ModelPolicy* BestForNode(const PolicyTable& table,
                               const NodeRequirement& node,
                               const PolicyFilter* may_serve = nullptr);

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_NODE_POLICY_H_
