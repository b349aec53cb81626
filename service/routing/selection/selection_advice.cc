#include "service/routing/selection/selection_advice.h"

#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/routing/selection/node_policy.h"

namespace gateway {
namespace {

void CheckPolicy(const PolicyTable& table, size_t place,
                 PolicyFindings* findings) {
  const ModelPolicy& policy = table.policies()[place];
  for (size_t i = 0; i < policy.fallback_models.size(); ++i) {
    const std::string& fallback = policy.fallback_models[i];
    const std::string path =
        absl::StrCat("policies[", place, "].fallback_models[", i, "]");
    if (table.FindPolicy(fallback) == nullptr) {
      findings->issues.push_back(
          {path, absl::StrCat("fallback '", fallback, "' of policy '",
                              policy.id, "' is not defined")});
    } else if (fallback == policy.id) {
      findings->warnings.push_back(
          {path, absl::StrCat("policy '", policy.id, "' is its own fallback")});
    }
  }
}

// As in `gemini-2.5-pro lacks web_search, claude-sonnet lacks web_search`.
std::string Shortfalls(const PolicyTable& table, const NodeRequirement& node) {
  std::string text;
  for (const ModelPolicy& policy : table.policies()) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", policy.id, " (",
                    ShortfallOf(policy, WantedBy(node)).Text(), ")");
  }
  return text.empty() ? "no policy is configured" : text;
}

void CheckNode(const PolicyTable& table, size_t place,
               PolicyFindings* findings) {
  const NodeRequirement& node = table.nodes()[place];
  if (BestForNode(table, node) != nullptr) return;
  findings->issues.push_back(
      {absl::StrCat("nodes[", place, "]"),
       absl::StrCat("no model can serve node '", node.name,
                    "': ", Shortfalls(table, node))});
}

void WarnOfUnused(const PolicyTable& table, PolicyFindings* findings) {
  if (table.nodes().empty()) return;
  const std::vector<ModelPolicy>& policies = table.policies();
  std::vector<bool> used(policies.size());
  std::vector<const ModelPolicy*> reached;
  const auto reach = [&](const ModelPolicy* policy) {
    if (policy == nullptr || used[policy - policies.data()]) return;
    used[policy - policies.data()] = true;
    reached.push_back(policy);
  };
  for (const NodeRequirement& node : table.nodes()) {
    reach(BestForNode(table, node));
  }
  for (size_t i = 0; i < reached.size(); ++i) {
    for (const std::string& fallback : reached[i]->fallback_models) {
      reach(table.FindPolicy(fallback));
    }
  }
  for (size_t i = 0; i < policies.size(); ++i) {
    if (used[i]) continue;
    findings->warnings.push_back(
        {absl::StrCat("policies[", i, "]"),
         absl::StrCat("policy '", policies[i].id, "' is used by no node")});
  }
}

}  // namespace

std::vector<StrategyPick> RecommendForNode(const PolicyTable& table,
                                           const SelectionQuery& query) {
  std::vector<StrategyPick> picks;
  for (const SelectionStrategy strategy : kSelectionStrategies) {
    SelectionQuery each = query;
    each.strategy = strategy;
    each.override_policy = nullptr;
    StrategyPick pick = {.strategy = strategy,
                         .result = SelectModel(table, each)};
    if (pick.result.ok() && !query.performance.empty()) {
      pick.performance =
          query.performance[pick.result->model - table.policies().data()];
      pick.performance_score = PerformanceScore(pick.performance);
    }
    picks.push_back(std::move(pick));
  }
  return picks;
}

int64_t CostAdvice::savings_usd_nanos_per_request() const {
  int64_t sum = 0;
  for (const CostOpportunity& opportunity : opportunities) {
    sum += opportunity.savings_usd_nanos();
  }
  return sum;
}

const ModelPolicy* AssignmentOf(const PolicyTable& table,
                                const OverrideSet& overrides,
                                const NodeRequirement& node, absl::Time now,
                                const PolicyFilter* may_serve) {
  const ModelPolicy* const given =
      EffectiveOverride(overrides, table, node.name, now);
  const bool serves =
      given != nullptr && (may_serve == nullptr || (*may_serve)(*given));
  return serves ? given : BestForNode(table, node, may_serve);
}

CostAdvice AdviseOnCost(const PolicyTable& table, const OverrideSet& overrides,
                        absl::Time now, const PolicyFilter* may_serve) {
  CostAdvice advice;
  for (const NodeRequirement& node : table.nodes()) {
    ++advice.nodes_analyzed;
    const ModelPolicy* const current =
        AssignmentOf(table, overrides, node, now, may_serve);
    if (current == nullptr) continue;
    SelectionQuery query = {.node = node.name,
                            .capabilities = node.needed(),
                            .strategy = SelectionStrategy::kCostOptimized};
    query.obstacle_of = [&table, may_serve](size_t place) -> SelectionObstacle {
      const ModelPolicy& policy = table.policies()[place];
      // No override could give it to the node.
      if (!policy.admin_overridable) return {.why = "is not overridable"};
      if (may_serve == nullptr || (*may_serve)(policy)) return {};
      return {.why = "may not serve"};
    };
    const absl::StatusOr<SelectionResult> cheapest = SelectModel(table, query);
    if (!cheapest.ok()) continue;
    const CostOpportunity opportunity = {
        .node = &node,
        .current = current,
        .recommended = cheapest->model,
        .current_cost_usd_nanos = EstimateCost(current->price, node.needed()),
        .recommended_cost_usd_nanos = cheapest->cost_estimate_usd_nanos,
    };
    if (opportunity.savings_usd_nanos() > kSavingsUsdNanosMin) {
      advice.opportunities.push_back(opportunity);
    }
  }
  return advice;
}

PolicyFindings CheckPolicies(const PolicyTable& table) {
  PolicyFindings findings;
  for (size_t i = 0; i < table.policies().size(); ++i) {
    CheckPolicy(table, i, &findings);
  }
  for (size_t i = 0; i < table.nodes().size(); ++i) {
    CheckNode(table, i, &findings);
  }
  WarnOfUnused(table, &findings);
  return findings;
}

}  // namespace gateway
