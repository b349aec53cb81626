// What the gateway tells an operator about its policies and nodes: which model
// each strategy would choose for a node, where a cheaper one would do as well,
// and what is wrong.
//
//   RecommendForNode(table, {.node = "writer"})[0].result->model->id;
//   AdviseOnCost(table, overrides, now).savings_usd_nanos_per_request();
//   CheckPolicies(table).issues;  // "no model can serve node 'search': ..."
//
// Pure; for operators, not for calls.
//
// Thread contract: pure functions.

#ifndef SERVICE_ROUTING_SELECTION_SELECTION_ADVICE_H_
#define SERVICE_ROUTING_SELECTION_SELECTION_ADVICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "service/routing/selection/model_performance.h"
#include "service/routing/selection/model_policy.h"
#include "service/routing/selection/model_selection.h"
#include "service/routing/selection/node_overrides.h"
#include "service/routing/selection/node_policy.h"

namespace gateway {

// What one strategy would choose.
struct StrategyPick {
  SelectionStrategy strategy = SelectionStrategy::kBalanced;
  absl::StatusOr<SelectionResult> result;  // Fails as SelectModel does.
  // How the chosen model's calls went, and its PerformanceScore; those of a
  // model that was never called if there is no result.
  PerformanceRecord performance;
  double performance_score = 50;
};

// Returns one pick for each strategy, in the order of kSelectionStrategies. Of
// the query the strategy and the override are not looked at.
std::vector<StrategyPick> RecommendForNode(const PolicyTable& table,
                                           const SelectionQuery& query);

// Smaller savings are not worth a word: 0.001 $ a request.
inline constexpr int64_t kSavingsUsdNanosMin = 1'000'000;

// A node whose work a cheaper model could do.
struct CostOpportunity {
  const NodeRequirement* node = nullptr;
  const ModelPolicy* current = nullptr;
  const ModelPolicy* recommended = nullptr;
  // Estimates for a request that needs what the node requires.
  int64_t current_cost_usd_nanos = 0;
  int64_t recommended_cost_usd_nanos = 0;

  int64_t savings_usd_nanos() const {
    return current_cost_usd_nanos - recommended_cost_usd_nanos;
  }
};

struct CostAdvice {
  int64_t nodes_analyzed = 0;
  // In the order of the nodes.
  std::vector<CostOpportunity> opportunities;

  // What a request of each of these nodes would save together.
  int64_t savings_usd_nanos_per_request() const;
};

// Returns the model that serves a node now: what an override gives to it, else
// the one that suits it best, each if it may serve (null for all); null if
// there is none. Valid as long as `table`.
const ModelPolicy* AssignmentOf(const PolicyTable& table,
                                const OverrideSet& overrides,
                                const NodeRequirement& node, absl::Time now,
                                const PolicyFilter* may_serve = nullptr);

// Compares, for each configured node, the model that serves it with the one
// that cost_optimized would choose. What saves no more than kSavingsUsdNanosMin
// is left out. What may not serve (null for all may) serves no node and is not
// recommended. Valid as long as `table`.
CostAdvice AdviseOnCost(const PolicyTable& table, const OverrideSet& overrides,
                        absl::Time now,
                        const PolicyFilter* may_serve = nullptr);

// Something about a policy or a node.
struct PolicyFinding {
  std::string path;     // As in `policies[0].fallback_models[1]`.
  std::string message;  // As in `fallback 'x' of policy 'y' is not defined`.
};

// In configured order: first what concerns the policies, then the nodes.
struct PolicyFindings {
  std::vector<PolicyFinding> issues;    // Something cannot work.
  std::vector<PolicyFinding> warnings;  // Something has no effect.

  bool valid() const { return issues.empty(); }
};

// Issues: a fallback that no policy defines; a node that no model can serve.
// Warnings: a fallback to the model itself; where nodes are configured, a
// policy that no node comes to, neither first nor by fallbacks. REQUIRES: the
// configuration has passed validation.
PolicyFindings CheckPolicies(const PolicyTable& table);

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_SELECTION_ADVICE_H_
