// What an operator says while calls run: what CallRules makes of it.

#include <algorithm>
#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "tests/simulation/call_rules.h"
#include "tests/simulation/operator_deed.h"

namespace gateway {

void CallRules::OperatorActs(const OperatorDeed& deed, absl::Duration now) {
  Compare(now);
  Add(now, "an operator", -1, -1, DeedText(deed));
  const TargetName target(deed.provider, deed.model);
  switch (deed.kind) {
    case OperatorDeed::Kind::kDisable:
      disabled_.insert(target);
      break;
    case OperatorDeed::Kind::kEnable:
      disabled_.erase(target);
      failures_in_a_row_[target] = 0;
      break;
    case OperatorDeed::Kind::kForceOpen:
      ModelOf(target).Force(BreakerModel::State::kForcedOpen);
      break;
    case OperatorDeed::Kind::kForceMetricsOnly:
      ModelOf(target).Force(BreakerModel::State::kMetricsOnly);
      break;
    case OperatorDeed::Kind::kForceNothing:
      ModelOf(target).Reset();
      break;
    case OperatorDeed::Kind::kReset:
      ResetTargets(deed, now);
      break;
    case OperatorDeed::Kind::kGive:
      gifts_.erase(deed.node);
      if (!deed.policy.has_value()) break;
      gifts_[deed.node] = {.policy = &scenario_.policies[*deed.policy],
                           .until = now + deed.ttl};
      break;
  }
}

void CallRules::OperatorIsAnswered(const OperatorDeed& deed,
                                   const absl::Status& answer) {
  if (answer.ok()) return;
  Broken(absl::StrCat("an operator who ", DeedText(deed), " is told ",
                      answer.ToString()));
}

// Failures and ejections are forgotten, whose model is disabled stays so. With
// the provider alone its credentials are as at the begin.
void CallRules::ResetTargets(const OperatorDeed& deed, absl::Duration now) {
  const auto is_meant = [&](const TargetName& name) {
    return name.first == deed.provider &&
           (deed.model.empty() || name.second == deed.model);
  };
  for (auto& [name, model] : models_) {
    if (!is_meant(name)) continue;
    model.Reset();
    failures_in_a_row_[name] = 0;
  }
  for (auto& [key, group] : ejections_) {
    for (size_t i = 0; i < group.targets.size(); ++i) {
      if (is_meant(group.targets[i])) group.model.Reset(i, now);
    }
  }
  if (deed.model.empty()) credentials_.find(deed.provider)->second.Reset();
}

bool CallRules::RestsByOperator(const TargetName& target, absl::Duration now) {
  return disabled_.contains(target) ||
         ModelOf(target).Wait(now) == absl::InfiniteDuration();
}

// The operator's word comes before what the node needs, not before what the
// call names; and if the model rests, another is chosen.
const ScenarioPolicy* CallRules::GiftOf(const ScenarioNeed& need,
                                        absl::Duration now) {
  const auto found = gifts_.find(need.node);
  if (found == gifts_.end() || now >= found->second.until) return nullptr;
  const ScenarioPolicy& policy = *found->second.policy;
  const bool serves = (need.capabilities & ~policy.capabilities) == 0 &&
                      IsUsable(NameOf(policy.target), now);
  return serves ? &policy : nullptr;
}

}  // namespace gateway
