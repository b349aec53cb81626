// What CallRules finds by comparing what the pipeline goes by with the models.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/credential_pool.h"
#include "service/resilience/outlier_ejection.h"
#include "service/resilience/outlier_groups.h"
#include "service/resilience/provider_probes.h"
#include "service/resilience/target_board.h"
#include "tests/simulation/call_rules.h"

namespace gateway {
namespace {

BreakerModel::State StateOf(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::kOpen:
      return BreakerModel::State::kOpen;
    case CircuitBreaker::State::kHalfOpen:
      return BreakerModel::State::kHalfOpen;
    case CircuitBreaker::State::kForcedOpen:
      return BreakerModel::State::kForcedOpen;
    case CircuitBreaker::State::kMetricsOnly:
      return BreakerModel::State::kMetricsOnly;
    case CircuitBreaker::State::kDisabled:
      return BreakerModel::State::kOff;
    case CircuitBreaker::State::kClosed:
      break;
  }
  return BreakerModel::State::kClosed;
}

}  // namespace

void CallRules::Compare(absl::Duration now, const TargetName* except) {
  if (now == compared_at_) return;
  compared_at_ = now;
  while (!begun_.empty()) SettleBegun(asks_[begun_.front()].call, now);
  CompareBreakers(now, except);
  CompareCredentials(now);
  CompareProbes(now);
  CompareEjections(now);
  CheckEjections(now);
}

void CallRules::CompareProbes(absl::Duration now) {
  if (probing_ended_) return;
  for (const auto& [provider, model] : probes_) {
    const ProviderProbes::Snapshot real =
        state_->targets.ProbesOf(provider).Read();
    if (real.probes != model.probes() || real.failures != model.failures() ||
        real.failures_in_a_row != model.failures_in_a_row()) {
      Broken(absl::StrCat(provider, " has failed ", real.failures, " of ",
                          real.probes, " probes, the last ",
                          real.failures_in_a_row, " in a row, where ",
                          model.failures(), " of ", model.probes(), " and ",
                          model.failures_in_a_row(), " would be right"));
    }
    if (model.Late(now) > absl::ZeroDuration()) {
      Broken(absl::StrCat("a probe of ", provider, " is late by ",
                          absl::FormatDuration(model.Late(now))));
    }
    if (now > model.ends_by()) {
      Broken(
          absl::StrCat("a probe of ", provider, " takes longer than its time"));
    }
  }
}

void CallRules::CompareEjections(absl::Duration now) {
  std::vector<OutlierGroups::Standing> standings = state_->outliers.Read(now);
  size_t at = 0;
  for (const auto& [key, group] : ejections_) {
    std::vector<std::pair<std::string, size_t>> members;
    for (size_t i = 0; i < group.targets.size(); ++i) {
      members.emplace_back(TextOf(group.targets[i]), i);
    }
    std::sort(members.begin(), members.end());
    for (const auto& [name, member] : members) {
      const OutlierEjection::Snapshot& real = standings.at(at++).state;
      const EjectionModel& model = group.model;
      if (real.name == name &&
          real.ejected_for == model.EjectedFor(member, now) &&
          real.weight == model.WeightPermille(member, now) &&
          real.times_ejected == model.ejections(member) &&
          real.consecutive_faults == model.failures_in_a_row(member)) {
        continue;
      }
      Broken(absl::StrCat(
          real.name, " is ejected for ", absl::FormatDuration(real.ejected_for),
          ", weighs ", real.weight, " and has failed ", real.consecutive_faults,
          " times in a row, ", real.times_ejected, " times ejected, where ",
          name, " for ", absl::FormatDuration(model.EjectedFor(member, now)),
          ", ", model.WeightPermille(member, now), ", ",
          model.failures_in_a_row(member), " and ", model.ejections(member),
          " would be right"));
    }
  }
}

void CallRules::CheckEjections(absl::Duration now) {
  if (!scenario_.ejects) return;
  for (const ScenarioRoute& route : scenario_.routes) {
    std::vector<OutlierGroups::Name> names;
    for (const ScenarioTarget& target : route.targets) {
      names.push_back({target.provider, target.model});
    }
    if (names.size() < 2) continue;
    size_t ejected = 0;
    for (const GroupMember* member : state_->outliers.Find(names, now)) {
      ejected += member->WeightPermille(now) == 0 ? 1 : 0;
    }
    const size_t most = std::min(
        names.size() - 1,
        names.size() * static_cast<size_t>(scenario_.ejected_percent_limit) /
            100);
    if (ejected <= most) continue;
    Broken(absl::StrCat(ejected, " of the ", names.size(), " targets of ",
                        route.model, " are ejected, of which ", most,
                        " may be"));
  }
}

void CallRules::CompareCredentials(absl::Duration now) {
  for (const auto& [provider, model] : credentials_) {
    const std::shared_ptr<const CredentialPool> pool =
        state_->providers.CredentialsOf(provider);
    if (pool == nullptr) {
      Broken(absl::StrCat("nothing is known of who cools at ", provider,
                          ", where something would be right"));
      continue;
    }
    int number = 0;
    for (const CredentialPool::Snapshot& real : pool->Read(now)) {
      const bool out = model.IsOut(number);
      const absl::Duration wait =
          out ? absl::ZeroDuration() : model.WaitFor(number, now);
      if (real.is_out != out || real.cools_for != wait ||
          real.is_predicted != model.IsPredicted(number, now)) {
        Broken(absl::StrCat("credential ", real.name, " of ", provider, " ",
                            real.is_out ? "is out" : "cools for ",
                            absl::FormatDuration(real.cools_for), ", where ",
                            out ? "out" : absl::FormatDuration(wait),
                            " would be right"));
      }
      ++number;
    }
  }
}

void CallRules::CompareBreakers(absl::Duration now, const TargetName* except) {
  for (const auto& [name, model] : models_) {
    if (except != nullptr && *except == name) continue;
    const TargetState& target = state_->targets.Find(name.first, name.second);
    if (target.availability.disabled() != disabled_.contains(name)) {
      Broken(absl::StrCat(TextOf(name), " is ",
                          disabled_.contains(name) ? "enabled" : "disabled",
                          " against the operator's word"));
    }
    const CircuitBreaker::Snapshot real = target.breaker.Read(now);
    const absl::Duration wait =
        model.Wait(now).value_or(CircuitBreaker::kProbeWait);
    if (StateOf(real.state) == model.StateAt(now) &&
        real.retry_after.value_or(absl::InfiniteDuration()) == wait &&
        real.consecutive_failures == model.failures_in_a_row()) {
      continue;
    }
    Broken(
        absl::StrCat("the breaker of ", name.first, "/", name.second, " is ",
                     ToAbsl(CircuitStateName(real.state)), " for ",
                     absl::FormatDuration(
                         real.retry_after.value_or(absl::InfiniteDuration())),
                     " after ", real.consecutive_failures,
                     " failures in a row, where ", absl::FormatDuration(wait),
                     " and ", model.failures_in_a_row(), " would be right"));
  }
}

}  // namespace gateway
