#include "service/api/route_view.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/registry/registry.h"
#include "service/pipeline/admission.h"
#include "service/pipeline/plan.h"
#include "service/pipeline/rollout_route.h"
#include "service/pipeline/route_preview.h"
#include "service/pipeline/selection_messages.h"
#include "service/pipeline/served_check.h"
#include "service/pipeline/violations.h"
#include "service/routing/rollout.h"
#include "service/routing/router.h"

namespace gateway {
namespace {

constexpr std::string_view kExplicit = "explicit";
constexpr std::string_view kDefault = "default";
constexpr std::string_view kModelRule = "model_rule:";
constexpr std::string_view kTarget = "target:";
constexpr std::string_view kChosen = "chosen";
constexpr std::string_view kNoMatch = "no match";

v1::RouteStep::Verdict VerdictOf(std::string_view outcome) {
  if (outcome == kChosen) return v1::RouteStep::VERDICT_CHOSEN;
  if (outcome == kNoMatch) return v1::RouteStep::VERDICT_NO_MATCH;
  return v1::RouteStep::VERDICT_SKIPPED;
}

using Targets =
    google::protobuf::RepeatedPtrField<llmgateway::type::v1::Target>;

// Returns the targets of the rule whose name, in whatever case, the step ends
// with; null if there is none.
template <typename Rules, typename NameOf>
const Targets* TargetsOf(const Rules& rules, NameOf name_of,
                         std::string_view step, std::string_view kind) {
  if (!step.starts_with(kind)) return nullptr;
  for (const auto& rule : rules) {
    if (absl::EqualsIgnoreCase(name_of(rule),
                               ToAbsl(step.substr(kind.size())))) {
      return &rule.targets();
    }
  }
  return nullptr;
}

// Fills in the targets that a consideration names. Rules for models are
// considered in the order of the configuration, so that `model_rule` is the
// number of the next one.
void FillTargets(const RouteStep& step, const v1::GenerateRequest& request,
                 const llmgateway::config::v1::RoutingConfig& routing,
                 int* model_rule, v1::RouteStep* to) {
  if (!step.target.provider.empty()) {
    auto& target = *to->add_targets();
    target.set_provider(std::string(step.target.provider));
    target.set_model(std::string(step.target.model));
    return;
  }
  if (step.rule == kExplicit) {
    to->add_targets()->set_provider(request.provider_id());
    return;
  }
  if (step.rule == kDefault) {
    if (routing.has_default_target()) {
      *to->add_targets() = routing.default_target();
    }
    return;
  }
  if (step.rule.starts_with(kModelRule)) {
    *to->mutable_targets() = routing.model_rules((*model_rule)++).targets();
    return;
  }
  const auto agent = [](const auto& rule) { return rule.agent_type(); };
  const auto tag = [](const auto& rule) { return rule.tag(); };
  const auto tier = [](const auto& rule) { return rule.tier(); };
  for (const Targets* targets :
       {TargetsOf(routing.agent_rules(), agent, step.rule, "agent_rule:"),
        TargetsOf(routing.agent_rules(), agent, step.rule, "inferred_agent:"),
        TargetsOf(routing.domain_tag_rules(), tag, step.rule, "domain_tag:"),
        TargetsOf(routing.model_tier_rules(), tier, step.rule,
                  "model_tier:")}) {
    if (targets != nullptr) *to->mutable_targets() = *targets;
  }
}

// Returns the model that the provider would be asked for.
std::string UpstreamModel(const RuntimeSnapshot& runtime,
                          const RouteTarget& target) {
  return std::string(
      runtime.providers().Find(target.provider)->UpstreamModel(target.model));
}

void FillTarget(std::string_view provider, std::string_view model,
                llmgateway::type::v1::Target* to) {
  to->set_provider(std::string(provider));
  to->set_model(std::string(model));
}

// Fills in where the call would go, and a step for each target that is passed
// over. Returns why nobody would be asked.
absl::Status FillRoute(IncomingCall& call, const Caller& caller,
                       const Admitted& admitted, RoutePlan plan,
                       v1::ExplainRouteResponse* out) {
  const std::string_view reason = plan.reason;
  const std::shared_ptr<const RouteSelection> selection = plan.selection;
  const RoutePreview preview =
      PreviewRoute(call, caller, admitted, std::move(plan));
  for (const RoutePreview::PassedOver& each : preview.passed_over) {
    v1::RouteStep& step = *out->add_steps();
    // The rule itself is told by its own step, which may well be chosen.
    step.set_rule(
        absl::StrCat(ToAbsl(kTarget), ToAbsl(each.provider), "/", each.model));
    FillTarget(each.provider, each.model, step.add_targets());
    step.set_verdict(v1::RouteStep::VERDICT_SKIPPED);
    step.set_detail(each.why);
  }
  GATEWAY_RETURN_IF_ERROR(preview.first.status());
  v1::Route* const route = out->mutable_route();
  route->set_provider(preview.first->provider->name);
  route->set_model(std::string(preview.first->upstream_model));
  route->set_reason(std::string(reason));
  if (selection != nullptr) {
    FillServedSelection(selection->result,
                        PolicyThatLedTo(*call.runtime, selection->result,
                                        route->provider(), route->model()),
                        route->mutable_selection());
  }
  for (const PlannedTarget& next : preview.fallbacks) {
    FillTarget(next.provider->name, next.upstream_model,
               route->add_fallbacks());
  }
  return absl::OkStatus();
}

constexpr std::string_view kRollout = "rollout";

// Returns whether the rules are for the caller, with a step that says so where
// they are not for everybody.
bool ExplainRollout(const RuntimeSnapshot& runtime,
                    const v1::GenerateRequest& request, std::string_view caller,
                    v1::ExplainRouteResponse* out) {
  const int share = runtime.rollout().now().share();
  if (share == Rollout::kAll) return true;
  v1::RouteStep& step = *out->add_steps();
  step.set_rule(std::string(kRollout));
  step.set_verdict(v1::RouteStep::VERDICT_NO_MATCH);
  const std::string of_share =
      absl::StrCat("the share of ", absl::StrFormat("%.2f", share / 100.0),
                   " % that the rules are for");
  const RolloutPlace place = {.caller = caller,
                              .user_id = request.scope().user_id()};
  // With keys a call is placed by its key, and else by the user, or by the id
  // that it will have.
  const bool is_placed =
      share == 0 || !place.caller.empty() ||
      (!place.user_id.empty() && !runtime.callers().asks_for_keys());
  if (!is_placed) {
    step.set_detail(absl::StrCat(
        "taken to be in ", of_share,
        "; whether it is, its caller decides: name the id of a key in the "
        "metadata ",
        ToAbsl(kExplainedCallerHeader),
        runtime.callers().asks_for_keys() ? "" : ", or scope.user_id"));
    return true;
  }
  if (IsRolledOutTo(runtime, place)) {
    step.set_detail(absl::StrCat("in ", of_share));
    return true;
  }
  step.set_verdict(v1::RouteStep::VERDICT_CHOSEN);
  step.set_detail(absl::StrCat("outside of ", of_share));
  return false;
}

// Plans a call outside of the share, as the step before says.
absl::StatusOr<RoutePlan> PlanOutside(const RuntimeSnapshot& runtime,
                                      const v1::GenerateRequest& request,
                                      v1::RouteStep* step) {
  absl::StatusOr<RoutePlan> plan = PlanOutsideRollout(
      runtime, {.model = request.model(), .provider = request.provider_id()});
  if (!plan.ok()) {
    step->set_detail(absl::StrCat("refused: ", step->detail()));
    return plan;
  }
  step->set_rule(std::string(plan->reason));
  const RouteTarget& baseline = *plan->targets.At(0);
  auto& target = *step->add_targets();
  target.set_provider(std::string(baseline.provider));
  target.set_model(UpstreamModel(runtime, baseline));
  return plan;
}

// What Admit would find out, of what decides where a call goes. The request may
// lack what a call must have, such as messages.
absl::StatusOr<Admitted> AdmitUnasked(IncomingCall& call,
                                      const Caller& caller) {
  const v1::GenerateRequest& request = *call.request;
  GATEWAY_RETURN_IF_ERROR(CheckServed(request));
  Violations violations;
  if (AsksForSelection(request)) {
    CheckSelection(request.selection(), &violations);
  }
  GATEWAY_RETURN_IF_ERROR(std::move(violations).ToStatus());
  Admitted admitted;
  admitted.provider = request.provider_id();
  GATEWAY_RETURN_IF_ERROR(CheckScopes(call, admitted.provider, caller));
  admitted.scope = {.user_id = request.scope().user_id(),
                    .session_id = request.scope().session_id(),
                    .agent_id = request.scope().agent_id(),
                    .agent_type = request.scope().agent_type(),
                    .project_id = request.scope().project_id()};
  GATEWAY_ASSIGN_OR_RETURN(admitted.selection, SelectionAskedBy(call));
  return admitted;
}

// Plans the request, and fills in a step for everything that was considered.
absl::StatusOr<RoutePlan> PlanWithSteps(IncomingCall& call,
                                        const Admitted& admitted,
                                        const Caller& caller,
                                        v1::ExplainRouteResponse* out) {
  const v1::GenerateRequest& request = *call.request;
  if (!ExplainRollout(*call.runtime, request, caller.id, out)) {
    return PlanOutside(*call.runtime, request, out->mutable_steps(0));
  }
  std::vector<RouteStep> steps;
  absl::StatusOr<RoutePlan> plan = PlanByRules(call, caller, admitted, &steps);
  int model_rule = 0;
  for (const RouteStep& considered : steps) {
    v1::RouteStep& step = *out->add_steps();
    step.set_rule(considered.rule);
    FillTargets(considered, request, call.runtime->config().routing(),
                &model_rule, &step);
    step.set_verdict(VerdictOf(considered.outcome));
    step.set_detail(step.verdict() == v1::RouteStep::VERDICT_SKIPPED
                        ? considered.outcome
                        : considered.detail);
  }
  return plan;
}

// Fills in the steps and the route. Returns why there is none.
absl::Status Explain(IncomingCall& call, const Caller& caller,
                     v1::ExplainRouteResponse* out) {
  GATEWAY_ASSIGN_OR_RETURN(const Admitted admitted, AdmitUnasked(call, caller));
  GATEWAY_ASSIGN_OR_RETURN(RoutePlan plan,
                           PlanWithSteps(call, admitted, caller, out));
  const int considered = out->steps_size();
  absl::Status nobody = FillRoute(call, caller, admitted, std::move(plan), out);
  // The one that decided stays the last.
  for (int i = considered; i < out->steps_size(); ++i) {
    if (i > 0) out->mutable_steps()->SwapElements(i - 1, i);
  }
  return nobody;
}

}  // namespace

void ExplainRoute(UnaskedCall& call, const Caller& caller,
                  v1::ExplainRouteResponse* out) {
  const absl::Status nobody = Explain(call, caller, out);
  if (nobody.ok()) return;
  out->set_failure(FaultReason(nobody));
  out->set_failure_message(std::string(nobody.message()));
}

}  // namespace gateway
