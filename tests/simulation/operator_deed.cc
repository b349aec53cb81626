#include "tests/simulation/operator_deed.h"

#include <cstdlib>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "llmgateway/v1/circuits.pb.h"
#include "llmgateway/v1/policies.pb.h"
#include "proto/proto_time.h"
#include "service/api/call_context.h"
#include "tests/simulation/call_drawing.h"

namespace gateway {
namespace {

using Kind = OperatorDeed::Kind;

constexpr Kind kKinds[] = {Kind::kDisable,
                           Kind::kEnable,
                           Kind::kForceOpen,
                           Kind::kForceNothing,
                           Kind::kForceMetricsOnly,
                           Kind::kReset,
                           Kind::kGive,
                           Kind::kGive};

std::vector<ScenarioTarget> AllTargetsOf(const Scenario& scenario) {
  std::vector<ScenarioTarget> targets;
  for (const ScenarioRoute& route : scenario.routes) {
    targets.insert(targets.end(), route.targets.begin(), route.targets.end());
    targets.insert(targets.end(), route.fallbacks.begin(),
                   route.fallbacks.end());
  }
  for (const ScenarioPolicy& policy : scenario.policies) {
    targets.push_back(policy.target);
  }
  return targets;
}

void DrawGift(Drawing& draw, const Scenario& scenario, OperatorDeed* deed) {
  deed->node = draw.Below(scenario.nodes.size());
  if (draw.InPercent(15)) return;
  deed->policy = draw.Below(scenario.policies.size());
  if (draw.InPercent(70)) deed->ttl = draw.MillisBetween(1000, 40'000);
}

}  // namespace

void DrawDeeds(Drawing& draw, absl::Duration length, Scenario& scenario) {
  const std::vector<ScenarioTarget> targets = AllTargetsOf(scenario);
  const int count = draw.Between(1, 10);
  absl::Duration at;
  for (int i = 0; i < count; ++i) {
    at += absl::Floor(length / draw.Between(3, 20), absl::Milliseconds(1));
    OperatorDeed deed{.at = at, .kind = draw.OneOf(kKinds)};
    const ScenarioTarget& target = targets[draw.Below(targets.size())];
    deed.provider = target.provider;
    deed.model = target.model;
    // Who was disabled or forced is enabled or let go again.
    if (i > 0 && !scenario.deeds.back().model.empty() && draw.InPercent(50)) {
      deed.provider = scenario.deeds.back().provider;
      deed.model = scenario.deeds.back().model;
    }
    if (deed.kind == Kind::kReset && draw.InPercent(40)) deed.model.clear();
    if (deed.kind == Kind::kGive && scenario.nodes.empty()) {
      deed.kind = Kind::kDisable;
    }
    if (deed.kind == Kind::kGive) DrawGift(draw, scenario, &deed);
    scenario.deeds.push_back(std::move(deed));
  }
}

void DrawTakenOut(Drawing& draw, Scenario& scenario) {
  constexpr absl::Duration kLength = absl::Minutes(1);
  const int models = draw.Between(2, 4);
  for (int i = 0; i < models; ++i) {
    const std::string provider = absl::StrCat("p", i);
    scenario.providers.push_back(
        {.name = provider,
         .phases = {{.conduct = Conduct::kFails,
                     .percent = draw.OneOf({20, 50, 100}),
                     .latency = draw.MillisBetween(1, 500)}}});
    scenario.policies.push_back(
        {.id = absl::StrCat("s", i),
         .target = {.provider = provider, .model = absl::StrCat("s", i)},
         .price = draw.Between(1, 3),
         .context_window = 64'000});
  }
  scenario.routes.push_back({.model = "r0",
                             .balancing = "weighted",
                             .targets = {{.provider = "p0", .model = "s0"}}});
  scenario.nodes.push_back({.name = "n0"});
  scenario.breaker.consecutive_failures = draw.Between(1, 3);
  scenario.breaker.open_duration = draw.MillisBetween(2000, 30'000);
  DrawCalls(draw, scenario, 120, kLength);
  for (ScenarioCall& call : scenario.calls) {
    // The latter goes on to no other.
    call.need = ScenarioNeed{
        .strategy = draw.OneOf({ScenarioStrategy::kCostOptimized,
                                ScenarioStrategy::kAdminPreferred,
                                ScenarioStrategy::kAdminPreferred})};
  }
  for (absl::Duration at = kLength / 10; at < kLength; at += kLength / 10) {
    const ScenarioTarget& target =
        scenario.policies[draw.Below(scenario.policies.size())].target;
    scenario.deeds.push_back(
        {.at = at,
         .kind = draw.OneOf({Kind::kDisable, Kind::kDisable, Kind::kForceOpen,
                             Kind::kEnable, Kind::kForceNothing}),
         .provider = target.provider,
         .model = target.model});
  }
}

std::string DeedText(const OperatorDeed& deed) {
  static constexpr std::string_view kTexts[] = {
      "disables",         "enables", "forces open", "forces to count only",
      "forces no longer", "resets",  "gives"};
  const absl::string_view text = ToAbsl(kTexts[static_cast<int>(deed.kind)]);
  if (deed.kind != Kind::kGive) {
    return absl::StrCat(text, " ", deed.provider, "/", deed.model);
  }
  if (!deed.policy.has_value()) {
    return absl::StrCat(text, " nothing to n", deed.node);
  }
  return absl::StrCat(text, " s", *deed.policy, " to n", deed.node, " for ",
                      absl::FormatDuration(deed.ttl));
}

SimulatedOperator::SimulatedOperator(const Scenario& scenario,
                                     const CurrentRuntime& runtime,
                                     EventLoop& loop)
    : scenario_(scenario),
      loop_(loop),
      circuits_({.runtime = runtime, .state = state_, .worker = worker_}),
      policies_({.runtime = runtime, .store = state_, .worker = worker_}) {
  circuits_.AddTo(table_);
  policies_.AddTo(table_);
}

Task<absl::Status> SimulatedOperator::Do(const OperatorDeed& deed) {
  switch (deed.kind) {
    case Kind::kDisable:
    case Kind::kEnable:
      return SetEnabled(deed);
    case Kind::kForceOpen:
    case Kind::kForceMetricsOnly:
    case Kind::kForceNothing:
      return Force(deed);
    case Kind::kReset:
      return Reset(deed);
    case Kind::kGive:
      break;
  }
  return Give(deed);
}

Task<absl::Status> SimulatedOperator::Say(
    std::string_view method, const google::protobuf::Message& request,
    google::protobuf::Message* response) {
  const Method* const found =
      table_.Find(absl::StrCat("/llmgateway.v1.AdminService/", ToAbsl(method)));
  if (found == nullptr) std::abort();
  CallContext call(loop_, {.peer = "127.0.0.1:1"});
  HandlerArguments arguments;
  arguments.request = &request;
  arguments.response = response;
  co_return co_await found->Run(call, arguments);
}

Task<absl::Status> SimulatedOperator::SetEnabled(const OperatorDeed& deed) {
  v1::SetModelEnabledRequest request;
  request.set_provider(deed.provider);
  request.set_model(deed.model);
  request.set_enabled(deed.kind == Kind::kEnable);
  v1::SetModelEnabledResponse response;
  co_return co_await Say("SetModelEnabled", request, &response);
}

Task<absl::Status> SimulatedOperator::Force(const OperatorDeed& deed) {
  v1::ForceCircuitRequest request;
  request.set_provider(deed.provider);
  request.set_model(deed.model);
  request.set_state(deed.kind == Kind::kForceOpen
                        ? v1::ForceCircuitRequest::STATE_FORCED_OPEN
                    : deed.kind == Kind::kForceMetricsOnly
                        ? v1::ForceCircuitRequest::STATE_METRICS_ONLY
                        : v1::ForceCircuitRequest::STATE_CONFIGURED);
  v1::ForceCircuitResponse response;
  co_return co_await Say("ForceCircuit", request, &response);
}

Task<absl::Status> SimulatedOperator::Reset(const OperatorDeed& deed) {
  v1::ResetCircuitRequest request;
  request.set_provider(deed.provider);
  request.set_model(deed.model);
  v1::ResetCircuitResponse response;
  co_return co_await Say("ResetCircuit", request, &response);
}

Task<absl::Status> SimulatedOperator::Give(const OperatorDeed& deed) {
  v1::UpdateNodePolicyRequest request;
  request.set_node_name(scenario_.nodes[deed.node].name);
  if (deed.policy.has_value()) {
    request.set_model_id(scenario_.policies[*deed.policy].id);
  }
  if (deed.ttl != absl::InfiniteDuration()) {
    *request.mutable_ttl() = ToProto(deed.ttl);
  }
  v1::UpdateNodePolicyResponse response;
  co_return co_await Say("UpdateNodePolicy", request, &response);
}

}  // namespace gateway
