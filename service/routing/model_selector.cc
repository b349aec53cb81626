#include "service/routing/model_selector.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "service/routing/selection/node_overrides.h"
#include "service/routing/selection/selection_config.h"

namespace gateway {
namespace {

constexpr char kRests[] = "rests after failures";
constexpr char kOutOfUse[] = "is disabled, or its circuit is forced open";

bool GoesByPerformance(SelectionStrategy strategy) {
  return strategy == SelectionStrategy::kPerformanceOptimized ||
         strategy == SelectionStrategy::kBalanced;
}

}  // namespace

ModelSelector::ModelSelector(
    const llmgateway::config::v1::SelectionConfig& config,
    const TargetHealth& health, std::shared_ptr<SelectionState> state)
    : health_(health),
      state_(std::move(state)),
      table_(PoliciesOf(config), NodesOf(config)),
      default_strategy_(DefaultStrategyOf(config)),
      has_fallbacks_(HasFallbacks(config)),
      performance_(table_, state_->performance) {}

SelectionObstacle ModelSelector::ObstacleNow(size_t place) const {
  const ModelPolicy& policy = table_.policies()[place];
  switch (health_.StateOf(policy.provider)) {
    case ProviderState::kUnknown:
      return {.why = "no such provider"};
    case ProviderState::kNoCredential:
      return {.why = "no credential"};
    case ProviderState::kReady:
      break;
  }
  const TargetLoad load = health_.LoadOf(policy.provider, policy.model);
  if (load.usable && load.avoided) {
    return {.why = std::string(kFailsProbes), .only_comes_last = true};
  }
  if (load.usable) return {};
  return {.why = load.out_of_use ? kOutOfUse : kRests};
}

void ModelSelector::Complete(const Query& query, Completed* completed) const {
  SelectionQuery& whole = completed->query;
  whole = *query.asked;
  whole.has_fallbacks = has_fallbacks_;
  if (!whole.node.empty()) {
    whole.override_policy = EffectiveOverride(*state_->overrides.Get(), table_,
                                              whole.node, query.now);
  }
  if (GoesByPerformance(whole.strategy)) {
    completed->records = performance_.At(query.now);
    whole.performance = *completed->records;
  }
  whole.obstacle_of = [this, lacks = query.lacks, completed](size_t place) {
    SelectionObstacle obstacle = ObstacleNow(place);
    const bool rests = obstacle.why == kRests;
    if (rests || obstacle.why == kOutOfUse) {
      completed->any_rests = true;
      const PassedOver kind =
          rests ? PassedOver::kAllThatRest : PassedOver::kOutOfUse;
      if (completed->passed_over < kind) obstacle.why.clear();
    }
    if (obstacle.bars() || lacks == nullptr) return obstacle;
    SelectionObstacle of_request = {
        .why = (*lacks)(TargetOf(table_.policies()[place])),
        .is_of_request = true};
    return of_request.bars() ? of_request : obstacle;
  };
}

std::shared_ptr<const RouteSelection> ModelSelector::RouteOf(
    const SelectionQuery& query, SelectionResult result) const {
  auto route = std::make_shared<RouteSelection>();
  route->reason =
      result.basis == SelectionBasis::kOverride
          ? absl::StrCat("override:", ToAbsl(query.node))
          : absl::StrCat("selection:", ToAbsl(StrategyName(query.strategy)));
  route->target = TargetOf(*result.model);
  for (const ModelPolicy* fallback : result.fallback_chain) {
    route->fallbacks.push_back(TargetOf(*fallback));
  }
  route->result = std::move(result);
  return route;
}

std::shared_ptr<const RouteSelection> ModelSelector::SelectOverride(
    const Query& query, std::string* why_not) const {
  if (query.asked->node.empty()) return nullptr;
  Completed completed;
  Complete(query, &completed);
  const ModelPolicy* const policy = completed.query.override_policy;
  if (policy == nullptr) return nullptr;
  Candidates candidates;
  std::optional<SelectionResult> result = gateway::SelectOverride(
      table_, completed.query, why_not == nullptr ? nullptr : &candidates);
  if (result.has_value()) return RouteOf(completed.query, *std::move(result));
  if (why_not != nullptr) {
    *why_not = candidates[policy - table_.policies().data()].outcome;
  }
  return nullptr;
}

absl::StatusOr<std::shared_ptr<const RouteSelection>> ModelSelector::Select(
    const Query& query, Candidates* candidates) const {
  Completed completed;
  Complete(query, &completed);
  absl::StatusOr<SelectionResult> result =
      SelectModel(table_, completed.query, candidates);
  for (const PassedOver next : {PassedOver::kOutOfUse, PassedOver::kNobody}) {
    if (result.ok() || !completed.any_rests) break;
    completed.passed_over = next;
    const absl::StatusOr<SelectionResult> resting =
        SelectModel(table_, completed.query, candidates);
    if (resting.ok()) result = resting;
  }
  if (!result.ok()) return result.status();
  return RouteOf(completed.query, *std::move(result));
}

}  // namespace gateway
