#include "service/api/policy_view.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "proto/proto_time.h"
#include "service/observability/record_messages.h"
#include "service/pipeline/batch_size.h"
#include "service/pipeline/selection_messages.h"
#include "service/pipeline/target_obstacles.h"
#include "service/pipeline/violations.h"
#include "service/routing/selection/model_performance.h"
#include "service/routing/selection/node_policy.h"
#include "service/routing/selection/selection_advice.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

// What it takes to look at a policy for a node, in bytes of OffLoop: 1.5 us.
constexpr size_t kBytesPerPolicy = 100;
// How a page token begins; behind it stands how many came before.
constexpr char kOffsetMark[] = "from:";

// Which part of a list to show.
struct ListPage {
  size_t begin = 0;
  size_t end = 0;
  std::string next_token;
};

template <typename Request>
absl::StatusOr<ListPage> PageOf(const RuntimeSnapshot& runtime,
                                const Request& request, size_t total) {
  GATEWAY_ASSIGN_OR_RETURN(const int size,
                           PageSizeOf(runtime, request.page_size()));
  ListPage page;
  absl::string_view token = request.page_token();
  if (!token.empty() && (!absl::ConsumePrefix(&token, kOffsetMark) ||
                         !absl::SimpleAtoi(token, &page.begin))) {
    return InvalidField("page_token", "is not one that this listing returned");
  }
  page.begin = std::min(page.begin, total);
  page.end = std::min(page.begin + static_cast<size_t>(size), total);
  if (page.end < total) page.next_token = absl::StrCat(kOffsetMark, page.end);
  return page;
}

const PolicyTable& TableOf(const RuntimeSnapshot& runtime) {
  return runtime.router().selector().table();
}

const llmgateway::config::v1::SelectionConfig& ConfigOf(
    const RuntimeSnapshot& runtime) {
  return runtime.config().routing().selection();
}

TargetObstacle ObstacleOf(const RuntimeSnapshot& runtime,
                          const ModelPolicy& policy) {
  return runtime.providers().Find(policy.provider) == nullptr
             ? TargetObstacle::kNone
             : runtime.ObstacleOf({policy.provider, policy.model});
}

bool IsEnabled(const RuntimeSnapshot& runtime, const ModelPolicy& policy) {
  return ObstacleOf(runtime, policy) != TargetObstacle::kDisabled;
}

bool MayBeAskedNow(const RuntimeSnapshot& runtime, const ModelPolicy& policy) {
  const ProviderRegistry::Entry* const provider =
      runtime.providers().Find(policy.provider);
  return provider != nullptr && !provider->credential_absent &&
         ObstacleOf(runtime, policy) == TargetObstacle::kNone;
}

bool FailsProbes(const RuntimeSnapshot& runtime, const ModelPolicy& policy) {
  return runtime.resilience().targets.ProbesOf(policy.provider).failing();
}

void FillPerformance(const std::string& model, const PerformanceRecord& from,
                     v1::ModelPerformance* to) {
  to->set_model_id(model);
  to->set_successes(from.successes);
  to->set_failures(from.failures);
  to->set_success_rate(from.success_rate());
  if (const auto latency = from.average_latency()) {
    SetProto(*latency, to->mutable_average_latency());
  }
  if (const auto cost = from.cost_usd_nanos_per_million_tokens()) {
    to->set_cost_usd_nanos_per_million_tokens(*cost);
  }
  to->set_recent_failures(from.recent_failures);
  if (from.last_success != absl::InfinitePast()) {
    SetProto(from.last_success, to->mutable_last_success_time());
  }
  if (from.last_failure != absl::InfinitePast()) {
    SetProto(from.last_failure, to->mutable_last_failure_time());
  }
  to->set_score(PerformanceScore(from));
}

// Fills in where a choice leads, of which `asked` is asked first.
void FillSelectedRoute(const RuntimeSnapshot& runtime,
                       const RouteSelection& from, const ModelPolicy& asked,
                       v1::Route* to) {
  const auto upstream_model = [&runtime](const RouteTarget& target) {
    return runtime.providers()
        .Find(target.provider)
        ->UpstreamModel(target.model);
  };
  FillServedSelection(from.result, &asked, to->mutable_selection());
  const RouteTarget first = {asked.provider, asked.model};
  FillRoute(first.provider, upstream_model(first), from.reason, to);
  const auto& chain = from.result.fallback_chain;
  const auto at = std::find(chain.begin(), chain.end(), &asked);
  for (auto next = at == chain.end() ? chain.begin() : at + 1;
       next != chain.end(); ++next) {
    const RouteTarget fallback = {(*next)->provider, (*next)->model};
    llmgateway::type::v1::Target& target = *to->add_fallbacks();
    target.set_provider(std::string(fallback.provider));
    target.set_model(std::string(upstream_model(fallback)));
  }
}

// What came of a candidate, where credentials have a say, too: who chooses does
// not ask for them, since they may be usable by the time that they are needed.
std::string_view OutcomeOf(const RuntimeSnapshot& runtime,
                           const SelectionCandidate& candidate,
                           const ModelPolicy* asked) {
  constexpr std::string_view kChosen = "chosen";
  constexpr std::string_view kQualifies = "qualifies";
  if (candidate.policy == asked) return kChosen;
  if (candidate.outcome != kChosen && candidate.outcome != kQualifies) {
    return candidate.outcome;
  }
  const TargetObstacle obstacle = ObstacleOf(runtime, *candidate.policy);
  return obstacle == TargetObstacle::kNone ? kQualifies : TextOf(obstacle);
}

}  // namespace

size_t WorkForNodes(const RuntimeSnapshot& runtime, size_t nodes) {
  return kBytesPerPolicy * TableOf(runtime).policies().size() * nodes;
}

size_t WorkForAllNodes(const RuntimeSnapshot& runtime) {
  return WorkForNodes(runtime,
                      TableOf(runtime).nodes().size() +
                          runtime.selection().overrides.Get()->all().size());
}

const ModelPolicy& AskedFirst(const RuntimeSnapshot& runtime,
                              const RouteSelection& selection) {
  const SelectionResult& result = selection.result;
  std::vector<const ModelPolicy*> all = {result.model};
  all.insert(all.end(), result.fallback_chain.begin(),
             result.fallback_chain.end());
  for (const TargetObstacle wanted :
       {TargetObstacle::kNone, TargetObstacle::kRefused}) {
    for (const ModelPolicy* const policy : all) {
      if (ObstacleOf(runtime, *policy) == wanted) return *policy;
    }
  }
  return *result.model;
}

void FillOverride(const NodeOverride& from, v1::NodeOverride* to) {
  to->set_node_name(from.node);
  to->set_model_id(from.model);
  to->set_updated_by(from.set_by);
  SetProto(from.set_time, to->mutable_update_time());
  if (from.expire_time != absl::InfiniteFuture()) {
    SetProto(from.expire_time, to->mutable_expire_time());
  }
}

void FillAssignment(const RuntimeSnapshot& runtime,
                    const OverrideSet& overrides, std::string_view node,
                    v1::NodeAssignment* to) {
  const PolicyTable& table = TableOf(runtime);
  const absl::Time now = runtime.clock().WallTime();
  NodeRequirement requirement = table.RequirementOf(node);
  requirement.name = node;
  to->set_node_name(std::string(node));
  const auto may_be_asked = [&runtime](const ModelPolicy& policy) {
    return MayBeAskedNow(runtime, policy);
  };
  const auto is_enabled = [&runtime](const ModelPolicy& policy) {
    return IsEnabled(runtime, policy);
  };
  const ModelPolicy* const given =
      EffectiveOverride(overrides, table, node, now);
  // What was given is asked whatever probes say.
  const auto comes_first = [&](const ModelPolicy& policy) {
    return may_be_asked(policy) &&
           (&policy == given || !FailsProbes(runtime, policy));
  };
  // As calls do: one that comes last, or rests, is chosen if there is no other.
  const ModelPolicy* model = nullptr;
  for (const PolicyFilter& may_serve :
       {PolicyFilter(comes_first), PolicyFilter(may_be_asked),
        PolicyFilter(is_enabled)}) {
    if (model != nullptr) break;
    model = AssignmentOf(table, overrides, requirement, now, &may_serve);
  }
  if (model != nullptr) {
    to->set_model_id(model->id);
    if (ShortfallOf(*model, WantedBy(requirement)).none()) {
      to->set_score(NodeScore(*model, requirement));
    }
  }
  if (const NodeOverride* const found = overrides.Find(node, now)) {
    FillOverride(*found, to->mutable_override());
  }
}

absl::Status ListPolicies(const RuntimeSnapshot& runtime,
                          const v1::ListPoliciesRequest& request,
                          v1::ListPoliciesResponse* response) {
  const auto& policies = ConfigOf(runtime).policies();
  GATEWAY_ASSIGN_OR_RETURN(
      ListPage page,
      PageOf(runtime, request, static_cast<size_t>(policies.size())));
  for (size_t i = page.begin; i < page.end; ++i) {
    *response->add_policies() = policies[static_cast<int>(i)];
  }
  response->set_next_page_token(std::move(page.next_token));
  return absl::OkStatus();
}

absl::Status ListNodeRequirements(
    const RuntimeSnapshot& runtime,
    const v1::ListNodeRequirementsRequest& request,
    v1::ListNodeRequirementsResponse* response) {
  const auto& nodes = ConfigOf(runtime).nodes();
  GATEWAY_ASSIGN_OR_RETURN(
      ListPage page,
      PageOf(runtime, request, static_cast<size_t>(nodes.size())));
  for (size_t i = page.begin; i < page.end; ++i) {
    *response->add_nodes() = nodes[static_cast<int>(i)];
  }
  response->set_next_page_token(std::move(page.next_token));
  return absl::OkStatus();
}

absl::Status ListAssignments(const RuntimeSnapshot& runtime,
                             const v1::ListAssignmentsRequest& request,
                             v1::ListAssignmentsResponse* response) {
  const PolicyTable& table = TableOf(runtime);
  const absl::Time now = runtime.clock().WallTime();
  const std::shared_ptr<const OverrideSet> overrides =
      runtime.selection().overrides.Get();
  std::vector<std::string_view> names;
  for (const NodeRequirement& node : table.nodes()) names.push_back(node.name);
  for (const NodeOverride& given : overrides->all()) {
    if (table.FindNode(given.node) == nullptr && now < given.expire_time) {
      names.push_back(given.node);
    }
  }
  GATEWAY_ASSIGN_OR_RETURN(ListPage page,
                           PageOf(runtime, request, names.size()));
  for (size_t i = page.begin; i < page.end; ++i) {
    FillAssignment(runtime, *overrides, names[i], response->add_assignments());
  }
  response->set_next_page_token(std::move(page.next_token));
  return absl::OkStatus();
}

absl::Status TestSelection(const RuntimeSnapshot& runtime,
                           const v1::TestSelectionRequest& request,
                           v1::TestSelectionResponse* response) {
  if (!request.has_selection()) return InvalidField("selection", "is required");
  Violations violations;
  CheckSelection(request.selection(), &violations);
  GATEWAY_RETURN_IF_ERROR(std::move(violations).ToStatus());
  const ModelSelector& selector = runtime.router().selector();
  const AskedSelection asked(request.selection(), selector.default_strategy());
  ModelSelector::Candidates candidates;
  const absl::StatusOr<std::shared_ptr<const RouteSelection>> chosen =
      selector.Select(
          {.asked = &asked.query(), .now = runtime.clock().WallTime()},
          &candidates);
  const ModelPolicy* const first =
      chosen.ok() ? &AskedFirst(runtime, **chosen) : nullptr;
  for (const SelectionCandidate& from : candidates) {
    v1::SelectionCandidate& to = *response->add_candidates();
    to.set_model_id(from.policy->id);
    if (from.score.has_value()) to.set_score(*from.score);
    to.set_estimated_cost_usd_nanos(from.cost_estimate_usd_nanos);
    to.set_outcome(std::string(OutcomeOf(runtime, from, first)));
  }
  if (chosen.ok()) {
    FillSelectedRoute(runtime, **chosen, *first, response->mutable_route());
    *response->mutable_selection() = response->route().selection();
  } else {
    response->set_failure(FaultReason(chosen.status()));
    response->set_failure_message(std::string(chosen.status().message()));
  }
  return absl::OkStatus();
}

absl::Status GetRecommendations(const RuntimeSnapshot& runtime,
                                const v1::GetRecommendationsRequest& request,
                                v1::GetRecommendationsResponse* response) {
  if (request.node_name().empty()) {
    return InvalidField("node_name", "is required");
  }
  if (request.node_name().size() > kNodeNameBytesMax) {
    return InvalidField("node_name", absl::StrCat("is longer than ",
                                                  kNodeNameBytesMax, " bytes"));
  }
  const ModelSelector& selector = runtime.router().selector();
  const std::shared_ptr<const PerformanceView::Records> records =
      selector.Performance(runtime.clock().WallTime());
  const std::vector<StrategyPick> picks = RecommendForNode(
      selector.table(), {.node = request.node_name(),
                         .has_fallbacks = selector.has_fallbacks(),
                         .performance = *records,
                         .obstacle_of = [&selector](size_t place) {
                           return selector.ObstacleNow(place);
                         }});
  for (const StrategyPick& pick : picks) {
    v1::Recommendation& to = *response->add_recommendations();
    // The numbers of both enums are the same.
    to.set_strategy(static_cast<v1::Selection::Strategy>(pick.strategy));
    if (!pick.result.ok()) {
      to.set_failure_message(std::string(pick.result.status().message()));
      continue;
    }
    FillSelection(*pick.result, to.mutable_selection());
    FillPerformance(pick.result->model->id, pick.performance,
                    to.mutable_performance());
  }
  return absl::OkStatus();
}

absl::Status GetCostOptimization(const RuntimeSnapshot& runtime,
                                 const v1::GetCostOptimizationRequest&,
                                 v1::GetCostOptimizationResponse* response) {
  const std::shared_ptr<const OverrideSet> overrides =
      runtime.selection().overrides.Get();
  const auto is_enabled = [&runtime](const ModelPolicy& policy) {
    return IsEnabled(runtime, policy);
  };
  const PolicyFilter may_serve = is_enabled;
  const CostAdvice advice = AdviseOnCost(
      TableOf(runtime), *overrides, runtime.clock().WallTime(), &may_serve);
  response->set_total_nodes_analyzed(advice.nodes_analyzed);
  for (const CostOpportunity& from : advice.opportunities) {
    v1::CostOpportunity& to = *response->add_opportunities();
    to.set_node_name(from.node->name);
    to.set_current_model_id(from.current->id);
    to.set_recommended_model_id(from.recommended->id);
    to.set_current_cost_usd_nanos(from.current_cost_usd_nanos);
    to.set_recommended_cost_usd_nanos(from.recommended_cost_usd_nanos);
  }
  response->set_estimated_savings_usd_nanos_per_request(
      advice.savings_usd_nanos_per_request());
  return absl::OkStatus();
}

absl::Status GetModelPerformance(const RuntimeSnapshot& runtime,
                                 const v1::GetModelPerformanceRequest& request,
                                 v1::GetModelPerformanceResponse* response) {
  const PolicyTable& table = TableOf(runtime);
  const absl::Time now = runtime.clock().WallTime();
  if (!request.model_id().empty()) {
    if (table.FindPolicy(request.model_id()) == nullptr) {
      return MakeFault(v1::ERROR_REASON_NOT_FOUND,
                       absl::StrCat("no model policy has the id '",
                                    request.model_id(), "'"));
    }
    const PerformanceHistory* const history =
        runtime.selection().performance.HistoryOf(request.model_id());
    FillPerformance(
        request.model_id(),
        history == nullptr ? PerformanceRecord() : history->Read(now),
        response->add_models());
    return absl::OkStatus();
  }
  const std::shared_ptr<const PerformanceView::Records> records =
      runtime.router().selector().Performance(now);
  for (size_t i = 0; i < table.policies().size(); ++i) {
    FillPerformance(table.policies()[i].id, (*records)[i],
                    response->add_models());
  }
  return absl::OkStatus();
}

}  // namespace gateway
