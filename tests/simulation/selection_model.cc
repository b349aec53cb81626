#include "tests/simulation/selection_model.h"

#include <algorithm>
#include <cstddef>

namespace gateway {

SelectionModel::Policies SelectionModel::Qualified(
    const ScenarioNeed& need) const {
  const ScenarioNode& node = scenario_.nodes[need.node];
  ScenarioNode wanted;
  // By capability_strict, what the node asks for is none of its business.
  if (need.strategy != ScenarioStrategy::kCapabilityStrict) wanted = node;
  wanted.required |= need.capabilities;
  if (wanted.needs_reasoning) wanted.required |= kReasoning;
  Policies qualified;
  for (const ScenarioPolicy& policy : scenario_.policies) {
    if ((wanted.required & ~policy.capabilities) == 0 &&
        policy.cost_tier <= wanted.cost_tier_max &&
        policy.context_window >= wanted.context_window_min) {
      qualified.push_back(&policy);
    }
  }
  return qualified;
}

bool SelectionModel::GoesByCost(const ScenarioNeed& need) {
  return need.strategy == ScenarioStrategy::kCostOptimized ||
         need.strategy == ScenarioStrategy::kCapabilityStrict;
}

SelectionModel::Policies SelectionModel::CheapestOf(
    Policies policies,
    const std::function<bool(const ScenarioPolicy&)>& comes_last) {
  // Of equals, the one that is configured first.
  std::stable_sort(policies.begin(), policies.end(),
                   [&](const ScenarioPolicy* a, const ScenarioPolicy* b) {
                     if (comes_last(*a) != comes_last(*b)) {
                       return comes_last(*b);
                     }
                     return a->cost_tier != b->cost_tier
                                ? a->cost_tier < b->cost_tier
                                : a->price < b->price;
                   });
  policies.resize(std::min<size_t>(policies.size(), 3));
  return policies;
}

}  // namespace gateway
