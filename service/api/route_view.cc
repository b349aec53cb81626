#include "service/api/route_view.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "llmgateway/config/v1/routing.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "providers/registry/registry.h"
#include "service/pipeline/served_check.h"
#include "service/routing/router.h"

namespace gateway {
namespace {

constexpr std::string_view kExplicit = "explicit";
constexpr std::string_view kDefault = "default";
constexpr std::string_view kChosen = "chosen";
constexpr std::string_view kNoMatch = "no match";

v1::RouteStep::Verdict VerdictOf(std::string_view outcome) {
  if (outcome == kChosen) return v1::RouteStep::VERDICT_CHOSEN;
  if (outcome == kNoMatch) return v1::RouteStep::VERDICT_NO_MATCH;
  return v1::RouteStep::VERDICT_SKIPPED;
}

// Fills in the targets that a consideration names. Rules are considered in the
// order of the configuration.
void FillTargets(const RouteStep& step, size_t index,
                 const v1::GenerateRequest& request,
                 const llmgateway::config::v1::RoutingConfig& routing,
                 v1::RouteStep* to) {
  if (step.rule == kExplicit) {
    to->add_targets()->set_provider(request.provider_id());
  } else if (step.rule == kDefault) {
    if (routing.has_default_target()) {
      *to->add_targets() = routing.default_target();
    }
  } else {
    *to->mutable_targets() =
        routing.model_rules(static_cast<int>(index)).targets();
  }
}

// Returns the model that the provider would be asked for.
std::string UpstreamModel(const RuntimeSnapshot& runtime,
                          const RouteTarget& target) {
  return std::string(
      runtime.providers().Find(target.provider)->UpstreamModel(target.model));
}

void FillRoute(const RuntimeSnapshot& runtime, const RoutePlan& plan,
               v1::Route* route) {
  const RouteTarget& first = plan.targets.front();
  route->set_provider(std::string(first.provider));
  route->set_model(UpstreamModel(runtime, first));
  route->set_reason(std::string(plan.reason));
  for (size_t i = 1; i < plan.targets.size(); ++i) {
    const RouteTarget& next = plan.targets[i];
    auto& fallback = *route->add_fallbacks();
    fallback.set_provider(std::string(next.provider));
    fallback.set_model(UpstreamModel(runtime, next));
  }
}

}  // namespace

void ExplainRoute(const RuntimeSnapshot& runtime,
                  const v1::GenerateRequest& request,
                  v1::ExplainRouteResponse* out) {
  std::vector<RouteStep> steps;
  const absl::Status served = CheckServed(request);
  const absl::StatusOr<RoutePlan> plan =
      served.ok() ? runtime.router().Plan({.model = request.model(),
                                           .provider = request.provider_id()},
                                          &steps)
                  : served;
  for (size_t i = 0; i < steps.size(); ++i) {
    v1::RouteStep& step = *out->add_steps();
    step.set_rule(steps[i].rule);
    FillTargets(steps[i], i, request, runtime.config().routing(), &step);
    step.set_verdict(VerdictOf(steps[i].outcome));
    if (step.verdict() == v1::RouteStep::VERDICT_SKIPPED) {
      step.set_detail(steps[i].outcome);
    }
  }
  if (plan.ok()) {
    FillRoute(runtime, *plan, out->mutable_route());
  } else {
    out->set_failure(FaultReason(plan.status()));
    out->set_failure_message(std::string(plan.status().message()));
  }
}

}  // namespace gateway
