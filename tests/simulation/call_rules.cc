#include "tests/simulation/call_rules.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/resilience/circuit_breaker.h"

namespace gateway {
namespace {

// A timer may be late by so much.
constexpr absl::Duration kTick = absl::Milliseconds(1);

constexpr size_t kBrokenMax = 20;

// With less time than that left nobody is asked.
constexpr absl::Duration kLeastAttempt = absl::Milliseconds(10);

// Whether a failure counts against the target, by docs/resilience.md.
bool CountsAgainstTarget(const absl::Status& failure) {
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

// Whether another target is asked after it.
bool GoesElsewhere(const absl::Status& failure) {
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
    case v1::ERROR_REASON_PROVIDER_AUTH_FAILED:
    case v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
      return true;
    default:
      return CountsAgainstTarget(failure);
  }
}

bool IsOfCaller(const absl::Status& outcome) {
  const v1::ErrorReason reason = FaultReason(outcome);
  return reason == v1::ERROR_REASON_CANCELLED ||
         reason == v1::ERROR_REASON_DEADLINE_EXCEEDED;
}

std::string NameOf(const std::pair<std::string, std::string>& target) {
  return absl::StrCat(target.first, "/", target.second);
}

}  // namespace

std::string PieceOf(size_t ask, int piece, int pieces) {
  return absl::StrCat(ask, ":", piece, "/", pieces, ";");
}

CallRules::CallRules(const Scenario& scenario, absl::Duration begin,
                     EventTrace* trace)
    : scenario_(scenario), begin_(begin), trace_(trace) {
  calls_.resize(scenario.calls.size());
  for (const ProviderScript& provider : scenario.providers) {
    credentials_.try_emplace(provider.name, scenario, provider.credentials);
  }
  for (const ScenarioRoute& route : scenario.routes) {
    for (const auto* list : {&route.targets, &route.fallbacks}) {
      for (const ScenarioTarget& target : *list) {
        models_.try_emplace(TargetName(target.provider, target.model),
                            scenario);
      }
    }
  }
}

void CallRules::CallBegins(size_t call, absl::Duration now) {
  Compare(now);
  Add(now, "begins", static_cast<int64_t>(call));
  ++active_calls_;
  CallState& state = calls_[call];
  const ScenarioCall& scripted = scenario_.calls[call];
  state.began = now;
  state.deadline = now + std::min(scripted.timeout, scenario_.call_timeout);
  const ScenarioRoute& route = scenario_.routes[scripted.route];
  for (const auto* list : {&route.targets, &route.fallbacks}) {
    for (const ScenarioTarget& target : *list) {
      TargetName name(target.provider, target.model);
      if (IsAskable(name, now)) state.askable.push_back(std::move(name));
    }
  }
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
      absl::StrCat(NameOf(name), credential < 0 ? "" : " with ",
                   credential < 0 ? "" : CredentialName(credential)));
  CallState& state = calls_[call];
  CheckMayAsk(state, call, name, now);
  CheckCredential(call, name, credential, now);
  LeaveOutResting(state, now);
  Ask ask{
      .call = call,
      .target = name,
      .credential = credential,
      .began = now,
      .last_resort = credential >= 0 && CredentialsOf(name).IsOut(credential)};
  const std::optional<BreakerModel::Permit> permit = ModelOf(name).Ask(now);
  if (permit.has_value()) {
    ask.permit = *permit;
  } else {
    Broken(absl::StrCat(NameOf(name), " is asked by call ", call,
                        " while it rests"));
  }
  if (!state.asks.empty()) {
    const Ask& before = LastEnded(state);
    const bool stands_in = StandsInFor(state, ask, now);
    ask.extra = !stands_in || before.extra;
    ask.keeps_place = stands_in && before.extra;
    ask.taken_at = before.given_back_at;
    ask.active_when_taken = before.active_at_end;
    // One that is asked beside another takes its place now.
    if (IsUnderWay(state)) {
      CheckHedge(state, call, now);
      ask.taken_at = event_;
      ask.active_when_taken = active_calls_;
    }
  }
  state.next_is_reconnect = false;
  state.asks.push_back(number);
  asks_.push_back(std::move(ask));
  return number;
}

const CallRules::Ask& CallRules::LastEnded(const CallState& call) const {
  size_t last = call.asks.front();
  for (const size_t ask : call.asks) {
    const bool is_later = asks_[last].given_back_at == INT64_MAX ||
                          asks_[ask].given_back_at > asks_[last].given_back_at;
    if (asks_[ask].given_back_at != INT64_MAX && is_later) last = ask;
  }
  return asks_[last];
}

bool CallRules::IsUnderWay(const CallState& call) const {
  return std::any_of(call.asks.begin(), call.asks.end(),
                     [&](size_t ask) { return !asks_[ask].is_over; });
}

void CallRules::CheckHedge(const CallState& call, size_t number,
                           absl::Duration now) {
  int under_way = 0;
  absl::Duration began;
  for (const size_t ask : call.asks) {
    if (asks_[ask].is_over) continue;
    ++under_way;
    began = asks_[ask].began;
  }
  if (under_way > 1 || now != began + scenario_.hedge_delay) {
    Broken(absl::StrCat("call ", number, " asks beside ", under_way,
                        " others, the last of which has been asked for ",
                        absl::FormatDuration(now - began)));
  }
}

bool CallRules::StandsInFor(const CallState& call, const Ask& ask,
                            absl::Duration now) {
  const Ask& before = LastEnded(call);
  if (call.next_is_reconnect) return true;
  const v1::ErrorReason reason = FaultReason(before.failure);
  const bool credential_failed =
      reason == v1::ERROR_REASON_PROVIDER_RATE_LIMITED ||
      reason == v1::ERROR_REASON_PROVIDER_AUTH_FAILED ||
      reason == v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED;
  return credential_failed && ask.target == before.target &&
         ask.credential != before.credential && now == before.ended;
}

void CallRules::CheckCredential(size_t number, const TargetName& name,
                                int credential, absl::Duration now) {
  if (credential < 0) return;
  const CredentialModel& model = CredentialsOf(name);
  if (model.WaitFor(credential, now) == absl::ZeroDuration()) return;
  // Then it is tried once more.
  if (model.AreAllOut()) return;
  Broken(absl::StrCat("call ", number, " sends ", name.first, " ",
                      CredentialName(credential), ", which ",
                      model.IsOut(credential) ? "is out" : "cools"));
}

bool CallRules::IsAskable(const TargetName& target, absl::Duration now) {
  return ModelOf(target).Wait(now) == absl::ZeroDuration() &&
         CredentialsOf(target).MayBeAsked(now);
}

void CallRules::CheckMayAsk(const CallState& call, size_t number,
                            const TargetName& name, absl::Duration now) {
  const auto broken = [&](std::string_view why) {
    Broken(absl::StrCat("call ", number, " asks ", NameOf(name), " ",
                        ToAbsl(why)));
  };
  if (!call.delivered.empty()) broken("after it has delivered output");
  if (call.left) broken("after its caller has left");
  if (now > call.deadline) broken("after its deadline");
  if (call.is_over || call.answers + call.ends > 0) broken("after its end");
  int of_target = 0;
  for (const size_t before : call.asks) {
    of_target += asks_[before].target == name ? 1 : 0;
  }
  const int credentials = static_cast<int>(CredentialsOf(name).size());
  if (of_target >= scenario_.attempts_limit + (call.reconnected ? 1 : 0) +
                       std::max(credentials - 1, 0)) {
    broken("more often than attempts_limit");
  }
}

void CallRules::Speaks(size_t ask, absl::Duration now) {
  Compare(now);
  Ask& state = asks_[ask];
  Add(now, state.spoke ? "goes on" : "begins to answer",
      static_cast<int64_t>(state.call), static_cast<int64_t>(ask));
  if (std::exchange(state.spoke, true)) return;
  Ends(state);
  begun_.push_back(ask);
  if (!IsHedged()) SettleBegun(state.call, now);
}

void CallRules::Finishes(size_t ask, absl::Duration now) {
  Compare(now);
  Ask& state = asks_[ask];
  Add(now, "has answered", static_cast<int64_t>(state.call),
      static_cast<int64_t>(ask));
  state.is_over = true;
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
  CallState& call = calls_[asks_[ask].call];
  if (not_processed && !call.reconnected) {
    call.reconnected = true;
    call.next_is_reconnect = true;
  }
  AskEnds(ask, failure, now);
}

void CallRules::IsGivenUp(size_t ask, const absl::Status& why,
                          absl::Duration now) {
  Compare(now);
  Add(now, "is given up", static_cast<int64_t>(asks_[ask].call),
      static_cast<int64_t>(ask), ReasonName(FaultReason(why)));
  AskEnds(ask, why, now);
}

void CallRules::AskEnds(size_t ask, const absl::Status& failure,
                        absl::Duration now) {
  Ask& state = asks_[ask];
  state.is_over = true;
  state.failure = failure;
  state.ended = now;
  Ends(state);
  if (state.credential >= 0 && !state.spoke) {
    CredentialsOf(state.target).Fails(state.credential, failure, now);
  }
  TellModel(state,
            CountsAgainstTarget(failure) ? BreakerModel::Outcome::kFailure
                                         : BreakerModel::Outcome::kNothing,
            now);
  CallState& call = calls_[state.call];
  call.refused_by_budget = state_->retry_budget.Read().refused;
  LeaveOutResting(call, now);
}

void CallRules::LeaveOutResting(CallState& call, absl::Duration now) {
  std::erase_if(call.askable, [&](const TargetName& target) {
    return !IsAskable(target, now);
  });
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
  CallState& state = calls_[call];
  ++state.answers;
  state.delivered.append(text);
}

void CallRules::TellsEnd(size_t call, const absl::Status& outcome,
                         absl::Duration now) {
  Add(now, "is told its end", static_cast<int64_t>(call), -1,
      ReasonName(FaultReason(outcome)));
  CallState& state = calls_[call];
  ++state.ends;
  state.told = outcome;
}

void CallRules::CallEnds(size_t number, const Call& call,
                         const absl::Status& outcome, absl::Duration now) {
  Compare(now);
  Add(now, "ends", static_cast<int64_t>(number), -1,
      ReasonName(FaultReason(outcome)));
  --active_calls_;
  CallState& state = calls_[number];
  if (std::exchange(state.is_over, true)) {
    Broken(absl::StrCat("call ", number, " ends twice"));
  }
  state.ended = now;
  state.outcome = outcome;
  if (state.answers + state.ends != 1) {
    Broken(absl::StrCat("call ", number, " is answered ", state.answers,
                        " times and told its end ", state.ends, " times"));
  }
  if (state.left && now > state.left_at + kTick) {
    Broken(absl::StrCat("call ", number, " goes on after its caller has left"));
  }
  if (now > state.deadline + kTick) {
    Broken(absl::StrCat("call ", number, " ends ",
                        absl::FormatDuration(now - state.deadline),
                        " after its deadline"));
  }
  for (const size_t ask : state.asks) {
    if (!asks_[ask].is_over) {
      Broken(absl::StrCat("call ", number, " ends and leaves request ", ask,
                          " behind"));
    }
  }
  CheckAttempts(state, number, call);
  if (outcome.ok()) {
    CheckAnswer(state, number);
  } else if (!state.left && !IsOfCaller(outcome)) {
    CheckHadToFail(state, number, now);
  }
}

// What is recorded of attempts is what the providers have seen.
void CallRules::CheckAttempts(const CallState& state, size_t number,
                              const Call& call) {
  int answered = 0;
  size_t seen = 0;
  for (const Attempt& attempt : call.attempts) {
    answered += attempt.answered ? 1 : 0;
    if (seen < state.asks.size()) {
      const Ask& ask = asks_[state.asks[seen]];
      if (ask.target.first != attempt.provider ||
          ask.target.second != attempt.model) {
        Broken(absl::StrCat("attempt ", seen, " of call ", number,
                            " is recorded for another target"));
      }
    }
    ++seen;
  }
  if (seen != state.asks.size()) {
    Broken(absl::StrCat("call ", number, " has ", seen,
                        " attempts recorded and asked ", state.asks.size(),
                        " times"));
  }
  if (answered > 1 || (state.outcome.ok() && answered != 1)) {
    Broken(absl::StrCat("of call ", number, ", ", answered,
                        " attempts have answered"));
  }
}

// Exactly what one provider has said.
void CallRules::CheckAnswer(const CallState& state, size_t number) {
  for (const size_t ask : state.asks) {
    if (!asks_[ask].is_over || !asks_[ask].failure.ok()) continue;
    for (int pieces = 1; pieces <= 8; ++pieces) {
      std::string whole;
      for (int piece = 1; piece <= pieces; ++piece) {
        whole += PieceOf(ask, piece, pieces);
      }
      if (state.delivered == whole) return;
    }
  }
  Broken(absl::StrCat("call ", number, " has got `", state.delivered,
                      "`, which no provider has said"));
}

// A call fails only where nobody is left to be asked, or the budget is used up.
void CallRules::CheckHadToFail(const CallState& state, size_t number,
                               absl::Duration now) {
  if (state.asks.empty()) return CheckRefusal(state, number, now);
  // What any of them said holds for the call. Who rested when a hedge was due
  // was passed over then.
  for (const size_t ask : state.asks) {
    if (asks_[ask].ended - asks_[ask].began >= scenario_.hedge_delay) return;
    if (asks_[ask].spoke || !GoesElsewhere(asks_[ask].failure)) return;
  }
  if (state_->retry_budget.Read().refused != state.refused_by_budget) return;
  if (state.deadline - now < kLeastAttempt) return;
  for (const TargetName& name : state.askable) {
    const bool asked =
        std::any_of(state.asks.begin(), state.asks.end(),
                    [&](size_t ask) { return asks_[ask].target == name; });
    if (!asked && IsAskable(name, now)) {
      Broken(absl::StrCat("call ", number, " fails, and ", NameOf(name),
                          " was not asked"));
    }
  }
}

// Nobody was asked: all must rest, and the caller hears for how long.
void CallRules::CheckRefusal(const CallState& state, size_t number,
                             absl::Duration now) {
  for (const TargetName& name : state.askable) {
    if (IsAskable(name, now)) {
      Broken(absl::StrCat("call ", number, " is refused, and ", NameOf(name),
                          " could be asked"));
    }
  }
  const TargetName named(FaultMetadata(state.outcome, "provider"),
                         FaultMetadata(state.outcome, "model"));
  absl::Duration wait;
  switch (FaultReason(state.outcome)) {
    case v1::ERROR_REASON_CIRCUIT_OPEN:
      wait = ModelOf(named).Wait(now).value_or(CircuitBreaker::kProbeWait);
      break;
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      wait = CredentialsOf(named).Wait(now);
      break;
    default:
      Broken(absl::StrCat("call ", number, " asks nobody and fails with ",
                          ToAbsl(ReasonName(FaultReason(state.outcome)))));
      return;
  }
  if (RetryDelay(state.outcome) != wait) {
    Broken(absl::StrCat(
        "call ", number, " is told to wait ",
        absl::FormatDuration(
            RetryDelay(state.outcome).value_or(-absl::InfiniteDuration())),
        " for ", NameOf(named), ", which rests for ",
        absl::FormatDuration(wait)));
  }
}

void CallRules::TellModel(Ask& ask, BreakerModel::Outcome outcome,
                          absl::Duration now) {
  if (std::exchange(ask.told, true)) return;
  ModelOf(ask.target).Tell(ask.permit, outcome, now);
}

BreakerModel& CallRules::ModelOf(const TargetName& target) {
  return models_.try_emplace(target, scenario_).first->second;
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
  if (broken_.size() >= kBrokenMax) return;
  trace_->Add({.at = absl::ZeroDuration(), .what = "BROKEN", .detail = what});
  broken_.push_back(std::move(what));
}

}  // namespace gateway
