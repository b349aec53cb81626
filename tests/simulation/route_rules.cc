// Where a call may go: what CallRules says of the rules of routing.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "service/routing/rollout.h"
#include "tests/simulation/call_rules.h"

namespace gateway {

CallRules::Way CallRules::WayOf(size_t number, absl::Duration now) {
  const ScenarioCall& scripted = scenario_.calls[number];
  const std::string subject = scripted.user == 0
                                  ? absl::StrCat(number)
                                  : absl::StrCat("user-", scripted.user);
  const bool is_included = rollout_share_ == ScenarioRollout::kAll ||
                           Rollout::PlaceOf(subject) < rollout_share_;
  if (!is_included) {
    return scenario_.rollout.baseline.has_value() ? Way::kBaseline
                                                  : Way::kRefused;
  }
  if (!scripted.need.has_value()) return Way::kRule;
  return GiftOf(*scripted.need, now) == nullptr ? Way::kSelection
                                                : Way::kOverride;
}

// What is decided when a call begins holds until it ends.
void CallRules::Choose(CallState& call, size_t number, absl::Duration now) {
  call.way = WayOf(number, now);
  const std::optional<ScenarioNeed>& need = scenario_.calls[number].need;
  if (call.way == Way::kOverride) call.chosen = {GiftOf(*need, now)};
  // What a probe says at this very moment may count or not.
  const bool probes_are_known = std::none_of(
      probes_.begin(), probes_.end(),
      [&](const auto& probes) { return probes.second.ended_at() == now; });
  if (call.way == Way::kSelection && SelectionModel::GoesByCost(*need) &&
      probes_are_known) {
    const SelectionModel::Policies qualified = selection_.Qualified(*need);
    SelectionModel::Policies usable = qualified;
    std::erase_if(usable, [&](const ScenarioPolicy* policy) {
      return !IsUsable(NameOf(policy->target), now);
    });
    // If all rest, one is chosen all the same, and says until when; if nobody
    // knows that of any, one of them.
    SelectionModel::Policies resting = qualified;
    std::erase_if(resting, [&](const ScenarioPolicy* policy) {
      return RestsByOperator(NameOf(policy->target), now);
    });
    if (usable.empty()) usable = resting.empty() ? qualified : resting;
    call.chosen =
        SelectionModel::CheapestOf(usable, [&](const ScenarioPolicy& policy) {
          const auto probes = probes_.find(policy.target.provider);
          // One that rests is chosen as if its probes said nothing.
          return probes != probes_.end() && probes->second.is_failing() &&
                 IsUsable(NameOf(policy.target), now);
        });
  }
  for (TargetName& name : TargetsOf(call, number)) {
    if (!IsAskable(name, now)) continue;
    if (!FailsItself(name)) call.well.push_back(name);
    call.askable.push_back(std::move(name));
  }
}

std::vector<CallRules::TargetName> CallRules::TargetsOf(const CallState& call,
                                                        size_t number) const {
  std::vector<TargetName> names;
  switch (call.way) {
    case Way::kRule:
      for (const auto* list :
           {&RouteOf(number).targets, &RouteOf(number).fallbacks}) {
        for (const ScenarioTarget& target : *list) {
          names.push_back(NameOf(target));
        }
      }
      break;
    case Way::kSelection:
    case Way::kOverride:
      for (const ScenarioPolicy* policy : call.chosen) {
        names.push_back(NameOf(policy->target));
      }
      break;
    case Way::kBaseline:
      names.push_back(NameOf(*scenario_.rollout.baseline));
      break;
    case Way::kRefused:
      break;
  }
  return names;
}

void CallRules::CheckWay(const CallState& call, size_t number,
                         const TargetName& name, absl::Duration now) {
  const bool goes_by_cost = !call.chosen.empty();
  if (call.way != Way::kSelection || goes_by_cost) {
    const std::vector<TargetName> may = TargetsOf(call, number);
    if (std::find(may.begin(), may.end(), name) == may.end()) {
      Broken(absl::StrCat("call ", number, " asks ", TextOf(name),
                          ", where it is not sent"));
    }
  }
  if (call.way == Way::kSelection) CheckSelected(call, number, name, now);
  if (call.way != Way::kRule || !call.asks.empty()) return;
  CheckRank(number, name, now);
  CountFirst(number, name, now);
}

void CallRules::CheckSelected(const CallState& call, size_t number,
                              const TargetName& name, absl::Duration now) {
  const SelectionModel::Policies qualified =
      selection_.Qualified(*scenario_.calls[number].need);
  const auto is_name = [&](const ScenarioPolicy* policy) {
    return NameOf(policy->target) == name;
  };
  if (std::none_of(qualified.begin(), qualified.end(), is_name)) {
    Broken(absl::StrCat("call ", number, " asks ", TextOf(name),
                        ", which lacks what it needs"));
  }
  if (!call.asks.empty()) return;
  for (const ScenarioPolicy* policy : call.chosen) {
    if (is_name(policy)) return;
    if (!IsAskable(NameOf(policy->target), now)) continue;
    Broken(absl::StrCat("call ", number, " asks ", TextOf(name), ", where ",
                        policy->id, " is cheaper, or does not come last"));
    return;
  }
}

std::optional<CallRules::Rank> CallRules::RankOf(size_t route,
                                                 const ScenarioTarget& target,
                                                 bool is_fallback,
                                                 absl::Duration now) const {
  if (is_fallback) return Rank{.kind = 2};
  bool is_avoided = false;
  const auto probes = probes_.find(target.provider);
  if (probes != probes_.end()) {
    if (probes->second.ended_at() == now) return std::nullopt;
    is_avoided = probes->second.is_failing();
  }
  const EjectionGroup* const group = group_of_route_[route];
  if (group != nullptr) {
    if (group->model.changed_at() == now) return std::nullopt;
    const auto member =
        static_cast<size_t>(&target - scenario_.routes[route].targets.data());
    is_avoided = is_avoided || group->model.WeightPermille(member, now) == 0;
  }
  return Rank{.kind = is_avoided ? 1 : 0, .priority = target.priority};
}

// Who is asked first is one of those with the best rank that can be asked.
void CallRules::CheckRank(size_t number, const TargetName& name,
                          absl::Duration now) {
  const size_t route = scenario_.calls[number].route;
  std::optional<Rank> best;
  std::optional<Rank> asked;
  TargetName better;
  for (const auto* list :
       {&RouteOf(number).targets, &RouteOf(number).fallbacks}) {
    const bool is_fallback = list == &RouteOf(number).fallbacks;
    for (const ScenarioTarget& target : *list) {
      const std::optional<Rank> rank = RankOf(route, target, is_fallback, now);
      if (!rank.has_value()) return;
      if (NameOf(target) == name) asked = rank;
      if (!IsAskable(NameOf(target), now)) continue;
      if (best.has_value() && *best <= *rank) continue;
      best = rank;
      better = NameOf(target);
    }
  }
  if (!asked.has_value() || !best.has_value() || *asked <= *best) return;
  Broken(absl::StrCat("call ", number, " asks ", TextOf(name), " first, and ",
                      TextOf(better), " could be asked"));
}

// Where chance decides, it has to by the weights.
void CallRules::CountFirst(size_t number, const TargetName& name,
                           absl::Duration now) {
  const size_t route = scenario_.calls[number].route;
  const ScenarioRoute& rule = scenario_.routes[route];
  if (rule.balancing != "weighted" || rule.targets.size() < 2) return;
  std::vector<double> weights(rule.targets.size());
  std::optional<Rank> best;
  for (size_t i = 0; i < rule.targets.size(); ++i) {
    const ScenarioTarget& target = rule.targets[i];
    const TargetName target_name = NameOf(target);
    if (!IsUsable(target_name, now)) continue;
    const std::optional<Rank> rank =
        RankOf(route, target, /*is_fallback=*/false, now);
    // One that is passed over after the choice leaves its part to the next.
    if (!rank.has_value() || !IsAskable(target_name, now)) return;
    if (!best.has_value() || *rank < *best) {
      best = rank;
      std::fill(weights.begin(), weights.end(), 0);
    }
    if (*rank != *best) continue;
    const EjectionGroup* const group = group_of_route_[route];
    const int permille =
        group == nullptr ? 1000 : group->model.WeightPermille(i, now);
    weights[i] = target.weight * (permille == 0 ? 1000 : permille);
  }
  double sum = 0;
  for (const double weight : weights) sum += weight;
  if (sum == 0) return;
  for (size_t i = 0; i < weights.size(); ++i) {
    Share& share = shares_[{route, i}];
    const double part = weights[i] / sum;
    share.expected += part;
    share.variance += part * (1 - part);
    share.asked += NameOf(rule.targets[i]) == name ? 1 : 0;
  }
}

// What the caller is told of why it went there.
void CallRules::CheckReason(const CallState& state, size_t number,
                            const Call& call) {
  if (state.asks.empty()) return;
  const ScenarioCall& scripted = scenario_.calls[number];
  std::string reason;
  switch (state.way) {
    case Way::kRule:
      reason = absl::StrCat("model_rule:", RouteOf(number).model);
      break;
    case Way::kSelection:
      reason = absl::StrCat("selection:",
                            ToAbsl(StrategyWord(scripted.need->strategy)));
      break;
    case Way::kOverride:
      reason =
          absl::StrCat("override:", scenario_.nodes[scripted.need->node].name);
      break;
    case Way::kBaseline:
    case Way::kRefused:
      reason = "rollout:baseline";
      break;
  }
  if (call.planned.reason != reason) {
    Broken(absl::StrCat("call ", number, " goes by ",
                        ToAbsl(call.planned.reason), ", where ", reason,
                        " would be right"));
  }
}

}  // namespace gateway
