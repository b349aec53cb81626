#include "tests/simulation/call_rules.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "errors/time_limit.h"

namespace gateway {

bool CountsAgainstTarget(const absl::Status& failure) {
  // It had less time than it usually takes.
  if (FaultMetadata(failure, kTimeLimitKey) == kDeadlineShare &&
      FaultMetadata(failure, kUsualTimeKey).empty()) {
    return false;
  }
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_PROVIDER_UNAVAILABLE:
    case v1::ERROR_REASON_PROVIDER_TIMEOUT:
    case v1::ERROR_REASON_PROVIDER_BAD_RESPONSE:
    case v1::ERROR_REASON_STREAM_INTERRUPTED:
      return true;
    default:
      return false;
  }
}

bool IsOfLimit(const absl::Status& outcome) {
  return FaultReason(outcome) == v1::ERROR_REASON_RATE_LIMITED ||
         FaultReason(outcome) == v1::ERROR_REASON_CONCURRENCY_LIMITED;
}

std::string PieceOf(size_t ask, int piece, int pieces, size_t bytes) {
  std::string text = absl::StrCat(ask, ":", piece, "/", pieces, ";");
  text.resize(std::max(text.size(), bytes), '.');
  return text;
}

CallRules::CallRules(const Scenario& scenario, absl::Duration begin,
                     EventTrace* trace)
    : scenario_(scenario),
      begin_(begin),
      trace_(trace),
      selection_(scenario),
      limits_(scenario),
      rollout_share_(scenario.rollout.share) {
  if (scenario.money.has_value()) {
    money_.emplace(scenario,
                   [this](std::string what) { Broken(std::move(what)); });
  }
  calls_.resize(scenario.calls.size());
  for (const ProviderScript& provider : scenario.providers) {
    credentials_.try_emplace(provider.name, scenario, provider.credentials);
    if (provider.settings.is_probed()) {
      probes_.try_emplace(provider.name, provider.settings, begin);
    }
  }
  for (const ScenarioRoute& route : scenario.routes) {
    for (const auto* list : {&route.targets, &route.fallbacks}) {
      for (const ScenarioTarget& target : *list) ModelOf(NameOf(target));
    }
    group_of_route_.push_back(GroupOf(route));
  }
}

CallRules::EjectionGroup* CallRules::GroupOf(const ScenarioRoute& route) {
  if (!scenario_.ejects || route.targets.size() < 2) return nullptr;
  std::string key;
  std::vector<std::string> names;
  std::vector<TargetName> targets;
  for (const ScenarioTarget& target : route.targets) {
    targets.push_back(NameOf(target));
    names.push_back(TextOf(targets.back()));
    absl::StrAppend(&key, names.back(), "\n");
  }
  // Rules with the same targets are compared as one.
  return &ejections_
              .try_emplace(key, EjectionGroup{.targets = std::move(targets),
                                              .model = {scenario_, names}})
              .first->second;
}

void CallRules::CallBegins(size_t call, absl::Duration now) {
  Compare(now);
  Add(now, "begins", static_cast<int64_t>(call));
  ++active_calls_;
  CallState& state = calls_[call];
  const ScenarioCall& scripted = scenario_.calls[call];
  state.began = now;
  state.deadline = now + std::min(scripted.timeout, scenario_.call_timeout);
  Choose(state, call, now);
}

void CallRules::CallerLeaves(size_t call, absl::Duration now) {
  Add(now, "is left by its caller", static_cast<int64_t>(call));
  calls_[call].left = true;
  calls_[call].left_at = now;
}

size_t CallRules::IsAsked(size_t call, std::string_view provider,
                          std::string_view model, int credential,
                          absl::Duration now) {
  const size_t number = asks_.size();
  const TargetName name{std::string(provider), std::string(model)};
  Compare(now, &name);
  Add(now, "is asked", static_cast<int64_t>(call), static_cast<int64_t>(number),
      absl::StrCat(TextOf(name), credential < 0 ? "" : " with ",
                   credential < 0 ? "" : CredentialName(credential)));
  credential = std::max(credential, 0);  // A provider without any is as one.
  CallState& state = calls_[call];
  CheckMayAsk(state, call, name, now);
  CheckCredential(call, name, credential, now);
  CheckWay(state, call, name, now);
  LeaveOutResting(state, now);
  Ask ask{
      .call = call,
      .target = name,
      .credential = credential,
      .began = now,
      .last_resort = CredentialsOf(name).IsOut(credential)};
  const std::optional<BreakerModel::Permit> permit = ModelOf(name).Ask(now);
  if (permit.has_value()) {
    ask.permit = *permit;
  } else {
    Broken(absl::StrCat(TextOf(name), " is asked by call ", call,
                        " while it rests"));
  }
  FillMember(state, ask);
  if (money() != nullptr) {
    if (IsUnderWay(state)) CheckHedge(state, call, now);
  } else if (!state.asks.empty()) {
    FillPlace(state, call, ask, now);
  }
  state.stand_ins += ask.stands_in ? 1 : 0;
  state.next_is_reconnect = false;
  state.asks.push_back(number);
  asks_.push_back(std::move(ask));
  CheckLoad(name.first,
            scenario_.SettingsOf(name.first).concurrent_attempts_limit);
  CheckLoad(TextOf(name),
            scenario_.OwnOf(name.first, name.second).concurrent_attempts_limit);
  CheckLimits(limits_.Asks(call, name.first, now));
  if (money() != nullptr) money()->IsAsked(number, call, provider, model);
  return number;
}

void CallRules::CheckLimits(std::string broken) {
  if (!broken.empty()) Broken(std::move(broken));
}

// Only the targets of a rule are compared, not its fallbacks.
void CallRules::FillMember(const CallState& call, Ask& ask) {
  if (call.way != Way::kRule) return;
  EjectionGroup* const group = group_of_route_[scenario_.calls[ask.call].route];
  if (group == nullptr) return;
  const auto found =
      std::find(group->targets.begin(), group->targets.end(), ask.target);
  if (found == group->targets.end()) return;
  ask.group = group;
  ask.member = static_cast<size_t>(found - group->targets.begin());
}

void CallRules::TellsLimit(size_t ask, absl::Duration resets_in,
                           absl::Duration now) {
  Compare(now);
  Add(now, "says that its limit is spent",
      static_cast<int64_t>(asks_[ask].call), static_cast<int64_t>(ask),
      absl::FormatDuration(resets_in));
  asks_[ask].spent_until = now + resets_in;
}

void CallRules::Speaks(size_t ask, absl::Duration now) {
  Compare(now);
  Ask& state = asks_[ask];
  Add(now, state.spoke ? "goes on" : "begins to answer",
      static_cast<int64_t>(state.call), static_cast<int64_t>(ask));
  CheckFirstContent(state, now);
  if (std::exchange(state.spoke, true)) return;
  state.content_after = now - state.began;
  Ends(state);
  begun_.push_back(ask);
  if (!IsHedged()) SettleBegun(state.call, now);
}

void CallRules::Finishes(size_t ask, absl::Duration now) {
  Compare(now);
  Ask& state = asks_[ask];
  Add(now, "has answered", static_cast<int64_t>(state.call),
      static_cast<int64_t>(ask));
  IsOver(state, now);
  if (state.spoke) {
    TellModel(state, BreakerModel::Outcome::kSuccess, now);
    return;
  }
  Ends(state);
  begun_.push_back(ask);
  if (!IsHedged()) SettleBegun(state.call, now);
}

// Of a hedged call the one that was first is found out a moment later.
void CallRules::SettleBegun(size_t call, absl::Duration now) {
  std::erase_if(begun_, [&](size_t number) {
    Ask& ask = asks_[number];
    if (ask.call != call) return false;
    if (ask.last_resort) CredentialsOf(ask.target).Succeeds(ask.credential);
    CredentialsOf(ask.target).IsSpent(ask.credential, ask.spent_until, now);
    // A probe is over when its stream has begun, others with their answer.
    if (ask.permit.probe || ask.is_over) {
      TellModel(ask, BreakerModel::Outcome::kSuccess, now);
    }
    return true;
  });
}

void CallRules::Fails(size_t ask, const absl::Status& failure,
                      bool not_processed, absl::Duration now) {
  Compare(now);
  Add(now, "fails", static_cast<int64_t>(asks_[ask].call),
      static_cast<int64_t>(ask), ReasonName(FaultReason(failure)));
  AskEnds(ask, failure, now);
  CallState& call = calls_[asks_[ask].call];
  // Nobody follows one beside which another is still asked.
  if (not_processed && !call.reconnected && !IsUnderWay(call)) {
    call.reconnected = true;
    call.next_is_reconnect = true;
    const TargetName& name = asks_[ask].target;
    if (MayBeLastResort(name, now)) call.put_off_reconnect = name;
  }
}

void CallRules::IsGivenUp(size_t ask, const absl::Status& why,
                          absl::Duration now) {
  Compare(now);
  Add(now, "is given up", static_cast<int64_t>(asks_[ask].call),
      static_cast<int64_t>(ask), ReasonName(FaultReason(why)));
  CheckGivenUp(asks_[ask], why, now);
  if (money() != nullptr) money()->IsGivenUp(ask);
  AskEnds(ask, why, now);
}

void CallRules::AskEnds(size_t ask, const absl::Status& failure,
                        absl::Duration now) {
  Ask& state = asks_[ask];
  CheckFirstContent(state, now);
  IsOver(state, now);
  state.failure = failure;
  Ends(state);
  if (!state.spoke) {
    CredentialsOf(state.target)
        .Fails(state.credential, failure, state.spent_until, now);
  }
  TellModel(state,
            CountsAgainstTarget(failure) ? BreakerModel::Outcome::kFailure
                                         : BreakerModel::Outcome::kNothing,
            now);
  CallState& call = calls_[state.call];
  call.could_stand_in = CouldStandIn(call, state, now);
  call.refused_by_budget = state_->retry_budget.Read().refused;
  LeaveOutResting(call, now);
}

void CallRules::LeaveOutResting(CallState& call, absl::Duration now) {
  std::erase_if(call.askable, [&](const TargetName& target) {
    return !IsAskable(target, now);
  });
  std::erase_if(call.well, [&](const TargetName& target) {
    return !IsAskable(target, now) || FailsItself(target);
  });
}

void CallRules::IsOver(Ask& ask, absl::Duration now) {
  ask.is_over = true;
  ask.ended = now;
  for (const std::string& whose : {ask.target.first, TextOf(ask.target)}) {
    ProviderUse& use = uses_[whose];
    --use.under_way;
    use.ended_then = use.last_end == now ? use.ended_then + 1 : 1;
    use.last_end = now;
  }
}

void CallRules::Ends(Ask& ask) {
  if (ask.given_back_at != INT64_MAX) return;
  ask.given_back_at = event_;
  ask.active_at_end = active_calls_;
}

void CallRules::Delivers(size_t call, std::string_view text,
                         absl::Duration now) {
  SettleBegun(call, now);
  Add(now, "is delivered", static_cast<int64_t>(call), -1, text);
  if (money() != nullptr) money()->Delivers(call, text);
  CallState& state = calls_[call];
  if (state.answers + state.ends > 0) {
    Broken(absl::StrCat("call ", call, " is delivered more after its end"));
  }
  state.delivered.append(text);
  CheckLosers(state, call);
}

// Whose answer is not taken is not waited for.
void CallRules::CheckLosers(const CallState& call, size_t number) {
  int going_on = 0;
  for (const size_t ask : call.asks) going_on += asks_[ask].is_over ? 0 : 1;
  if (going_on > 1) {
    Broken(absl::StrCat("call ", number, " is answered, and ", going_on,
                        " requests go on"));
  }
}

void CallRules::Answers(size_t call, std::string_view text,
                        absl::Duration now) {
  SettleBegun(call, now);
  Add(now, "is answered", static_cast<int64_t>(call), -1, text);
  if (money() != nullptr) money()->Answers(call);
  CallState& state = calls_[call];
  ++state.answers;
  state.delivered.append(text);
  limits_.Ends(call);
}

void CallRules::TellsEnd(size_t call, const absl::Status& outcome,
                         absl::Duration now) {
  Add(now, "is told its end", static_cast<int64_t>(call), -1,
      ReasonName(FaultReason(outcome)));
  if (money() != nullptr) money()->TellsEnd(call, outcome);
  CallState& state = calls_[call];
  ++state.ends;
  state.told = outcome;
  limits_.Ends(call);
  if (IsOfLimit(outcome)) CheckLimits(limits_.Refuses(call, now));
}

void CallRules::TellModel(Ask& ask, BreakerModel::Outcome outcome,
                          absl::Duration now) {
  if (std::exchange(ask.told, true)) return;
  if (outcome == BreakerModel::Outcome::kSuccess) {
    failures_in_a_row_[ask.target] = 0;
  } else if (outcome == BreakerModel::Outcome::kFailure) {
    ++failures_in_a_row_[ask.target];
  }
  ModelOf(ask.target).Tell(ask.permit, outcome, now);
  if (ask.group == nullptr) return;
  EjectionModel& group = ask.group->model;
  if (outcome == BreakerModel::Outcome::kSuccess) {
    // Of a probe the breaker hears before the call has its content.
    const bool is_timed = ask.content_after.has_value() && !ask.permit.probe;
    group.Succeeds(ask.member, is_timed ? ask.content_after : std::nullopt,
                   now);
  }
  if (outcome == BreakerModel::Outcome::kFailure) group.Fails(ask.member, now);
}

void CallRules::ProbeBegins(std::string_view provider, absl::Duration now) {
  Compare(now);
  Add(now, "is probed", -1, -1, provider);
  const auto found = probes_.find(provider);
  const std::string why_not = found == probes_.end()
                                  ? "although nobody has asked for it"
                                  : found->second.WhyNotNow(now);
  if (!why_not.empty()) {
    Broken(absl::StrCat(ToAbsl(provider), " is probed ", why_not));
  }
  if (found != probes_.end()) found->second.Begins(now);
}

void CallRules::ProbeEnds(std::string_view provider,
                          ProbeModel::Outcome outcome, absl::Duration now) {
  Compare(now);
  Add(now,
      outcome == ProbeModel::Outcome::kThere ? "answers its probe"
                                             : "fails its probe",
      -1, -1, provider);
  probes_.find(provider)->second.Ends(now, outcome);
}

void CallRules::ProbeIsCut(std::string_view provider, absl::Duration now) {
  Compare(now);
  Add(now, "is not waited for by its probe", -1, -1, provider);
  if (probing_ended_) return;
  ProbeModel& model = probes_.find(provider)->second;
  if (now < model.ends_by() - kTick) {
    Broken(absl::StrCat(ToAbsl(provider),
                        " has less time for its probe than "
                        "its settings let"));
  }
  model.Ends(now, ProbeModel::Outcome::kFailed);
}

void CallRules::RolloutChanges(int share, absl::Duration now) {
  Compare(now);
  Add(now, "the rules are rolled out to", -1, -1, absl::StrCat(share));
  rollout_share_ = share;
}

BreakerModel& CallRules::ModelOf(const TargetName& target) {
  return models_
      .try_emplace(target, scenario_.BreakerOf(target.first, target.second))
      .first->second;
}

std::string CallRules::TextOf(const TargetName& target) {
  return absl::StrCat(target.first, "/", target.second);
}

void CallRules::Add(absl::Duration now, std::string_view what, int64_t call,
                    int64_t ask, std::string_view detail) {
  ++event_;
  trace_->Add({.at = now - begin_,
               .what = what,
               .call = call,
               .ask = ask,
               .detail = detail});
}

void CallRules::Broken(std::string what) {
  if (broken_.size() >= broken_limit_) return;
  trace_->Add({.at = absl::ZeroDuration(), .what = "BROKEN", .detail = what});
  broken_.push_back(std::move(what));
}

}  // namespace gateway
