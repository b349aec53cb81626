// SelectModel chooses a model by what a request and its node need, what models
// cost and how their calls went, in one of five ways:
//
//   cost_optimized         the cheapest: by tier, then by price
//   performance_optimized  the best PerformanceScore, +10 for tier PREMIUM, +5
//                          for HIGH
//   balanced               0.6 * PerformanceScore + 0.4 * CostScore
//   capability_strict      the cheapest with the capabilities that the request
//                          names, whatever its node asks for
//   admin_preferred        the one that suits the node best (NodeScore)
//
//   SelectionQuery query = {.node = "writer",
//                           .capabilities = kCapabilityStreaming,
//                           .performance = view.At(now)};
//   GATEWAY_ASSIGN_OR_RETURN(const SelectionResult result,
//                            SelectModel(table, query));
//   result.model->id;    // "gemini-2.5-pro"
//   result.Reasoning();  // "balanced: score 60.0, the best of 1 model"
//
// A model that lacks something, or cannot be asked now, is never chosen. Those
// that have failed the caller just now are chosen only if there is no other,
// except by admin_preferred, which goes by the operator's word. One of which
// others had better be asked comes behind all the others that qualify, by every
// strategy, and stays among them; but what an operator has given to a node is
// asked all the same, as the only target of a rule is. Of equals the one that
// was configured first is chosen.
//
// If the choice is estimated to cost more than the caller has left, the
// cheapest that costs no more takes its place; if all cost more, the cheapest
// of the lowest tier, and the result says so: whoever keeps the budget decides
// about it.
//
// Pure: what it must know of the world is in the query.
//
// Thread contract: pure functions.

#ifndef SERVICE_ROUTING_SELECTION_MODEL_SELECTION_H_
#define SERVICE_ROUTING_SELECTION_MODEL_SELECTION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "service/routing/selection/model_capability.h"
#include "service/routing/selection/model_performance.h"
#include "service/routing/selection/model_policy.h"

namespace gateway {

// The numbers are those of llmgateway.v1.Selection.Strategy.
enum class SelectionStrategy : uint8_t {
  kCostOptimized = 1,
  kPerformanceOptimized = 2,
  kBalanced = 3,
  kCapabilityStrict = 4,
  kAdminPreferred = 5,
};

inline constexpr SelectionStrategy kSelectionStrategies[] = {
    SelectionStrategy::kCostOptimized, SelectionStrategy::kPerformanceOptimized,
    SelectionStrategy::kBalanced, SelectionStrategy::kCapabilityStrict,
    SelectionStrategy::kAdminPreferred};

// Returns a name such as `cost_optimized`. Valid forever.
std::string_view StrategyName(SelectionStrategy strategy);

// The inverse. kInvalidArgument for any other text.
absl::StatusOr<SelectionStrategy> ParseStrategy(std::string_view name);

// Returns how cheap a tier is: 100 for LOW, 75, 50, 25 for PREMIUM.
double CostScore(CostTier tier);

// Returns the score by which performance_optimized and balanced compare models.
double PerformanceOptimizedScore(double performance_score, CostTier tier);
double BalancedScore(double performance_score, CostTier tier);

// Returns how sure a choice by a score is, where nothing speaks against it: see
// SelectionResult::confidence.
double ConfidenceOf(SelectionStrategy strategy, double score);

// Why a model that has what its policy must have cannot be asked for a call, or
// had better not be.
struct SelectionObstacle {
  std::string why;  // Such as `no credential`; empty if there is nothing.
  // It stands in the way of this call only because of what the call asks for;
  // otherwise it may be gone for the next.
  bool is_of_request = false;
  // The model can be asked, but comes behind those that have no obstacle.
  bool only_comes_last = false;

  bool bars() const { return !why.empty() && !only_comes_last; }
};

// Borrows all that it refers to.
struct SelectionQuery {
  // May be one that is not configured: the defaults of NodeRequirement apply.
  std::string_view node;
  // Those that the request names, beside what its node asks for.
  CapabilitySet capabilities = 0;
  SelectionStrategy strategy = SelectionStrategy::kBalanced;
  // In place of the node's.
  std::optional<CostTier> cost_tier_max;
  // What the call may cost. At least 0.
  std::optional<int64_t> budget_remaining_usd_nanos;
  // Ids of models that have failed the caller just now.
  absl::Span<const std::string_view> previous_failures;
  // Whether others may be asked if the model fails.
  bool has_fallbacks = true;
  // What the operator has given to the node (node_overrides.h); null if
  // nothing. It comes before every strategy and whatever the node asks for, if
  // it has the capabilities that the request names.
  const ModelPolicy* override_policy = nullptr;
  // In the order of the table's policies; empty if no model has been called.
  absl::Span<const PerformanceRecord> performance;
  // What stands in the way of a model, by its place in the table; null if
  // nothing does. Asked of those that have what is needed.
  std::function<SelectionObstacle(size_t)> obstacle_of;
};

// Why a model was chosen.
enum class SelectionBasis : uint8_t {
  kOverride,         // By the operator's override.
  kBest,             // By the strategy.
  kPreviousFailure,  // By the strategy, of models that all failed just now.
  kWithinBudget,     // In place of one that costs more than is left.
  kOverBudget,       // Because all cost more than is left.
};

inline constexpr size_t kAlternativesMax = 4;
inline constexpr size_t kFallbackChainMax = 2;

// Policies are valid as long as the table.
struct SelectionResult {
  const ModelPolicy* model = nullptr;
  SelectionStrategy strategy = SelectionStrategy::kBalanced;
  SelectionBasis basis = SelectionBasis::kBest;
  // The strategy's score of the model. CostScore for cost_optimized and
  // capability_strict; 0 for an override.
  double score = 0;
  // 0 to 1. Of performance_optimized and balanced a hundredth of the score, at
  // most 1; of cost_optimized 0.8, capability_strict 0.9, admin_preferred and
  // an override 1. In place of these 0.7 for kWithinBudget, 0.2 for
  // kOverBudget, and 0.05 if all have failed just now.
  double confidence = 0;
  int64_t cost_estimate_usd_nanos = 0;
  // What the request names, by which costs are estimated.
  CapabilitySet capabilities = 0;
  // That, and what its node needs.
  CapabilitySet asked_for = 0;
  // How many models had all that was needed and could be asked; without those
  // that come last, unless the model is one of them.
  size_t qualified = 0;
  // The next best, in order.
  absl::InlinedVector<const ModelPolicy*, kAlternativesMax> alternatives;
  // Whom to ask if the model fails, in order: the next best or, by
  // admin_preferred and of an override, the model's configured fallbacks. Each
  // has all that is needed. Nobody if the query has no fallbacks.
  absl::InlinedVector<const ModelPolicy*, kFallbackChainMax> fallback_chain;
  // The strategy's score of each of those, in their order; 0 for an override's.
  absl::InlinedVector<double, kFallbackChainMax> fallback_scores;
  // Whose place it took because of the budget; null if nobody's.
  const ModelPolicy* in_place_of = nullptr;

  // Why the model was chosen, in words.
  std::string Reasoning() const;
};

// A model that was considered, for operators who ask why.
struct SelectionCandidate {
  const ModelPolicy* policy = nullptr;
  std::optional<double> score;  // As in SelectionResult; unset if it lacks.
  int64_t cost_estimate_usd_nanos = 0;
  // `chosen`, `qualifies`, `lacks web_search`, `no credential`, ...
  std::string outcome;
};

// Returns the override if there is one that has the capabilities that the
// request names and can be asked now. `candidates` as for SelectModel.
std::optional<SelectionResult> SelectOverride(
    const PolicyTable& table, const SelectionQuery& query,
    std::vector<SelectionCandidate>* candidates = nullptr);

// Chooses a model; an override first. Faults: CAPABILITY_UNSUPPORTED if no
// model has what is needed, with what each lacks; PROVIDER_UNAVAILABLE if there
// are such, and none can be asked now. `candidates`, if not null, receives one
// for each policy of the table, in its order.
absl::StatusOr<SelectionResult> SelectModel(
    const PolicyTable& table, const SelectionQuery& query,
    std::vector<SelectionCandidate>* candidates = nullptr);

}  // namespace gateway

#endif  // SERVICE_ROUTING_SELECTION_MODEL_SELECTION_H_
