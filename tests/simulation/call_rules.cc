#include "tests/simulation/call_rules.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/outlier_groups.h"

namespace gateway {
namespace {

// A timer may be late by so much.
constexpr absl::Duration kTick = absl::Milliseconds(1);

constexpr size_t kBrokenMax = 20;

// With less of a call's time left nobody is asked.
constexpr absl::Duration kTimeForAttempt = absl::Milliseconds(10);

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

BreakerModel::State StateOf(CircuitBreaker::State state) {
  switch (state) {
    case CircuitBreaker::State::kOpen:
      return BreakerModel::State::kOpen;
    case CircuitBreaker::State::kHalfOpen:
      return BreakerModel::State::kHalfOpen;
    default:
      return BreakerModel::State::kClosed;
  }
}

}  // namespace

std::string PieceOf(size_t ask, int piece, int pieces) {
  return absl::StrCat(ask, ":", piece, "/", pieces, ";");
}

CallRules::CallRules(const Scenario& scenario, absl::Duration begin,
                     EventTrace* trace)
    : scenario_(scenario), begin_(begin), trace_(trace) {
  calls_.resize(scenario.calls.size());
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
  CompareBreakers(now);
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
      if (ModelOf(name).Wait(now) == absl::ZeroDuration()) {
        state.askable.push_back(std::move(name));
      }
    }
  }
}

void CallRules::CallerLeaves(size_t call, absl::Duration now) {
  Add(now, "is left by its caller", static_cast<int64_t>(call));
  calls_[call].left = true;
  calls_[call].left_at = now;
}

size_t CallRules::IsAsked(size_t call, std::string_view provider,
                          std::string_view model, bool stream,
                          absl::Duration now) {
  const size_t number = asks_.size();
  const TargetName name{std::string(provider), std::string(model)};
  CompareBreakers(now, &name);
  Add(now, "is asked", static_cast<int64_t>(call), static_cast<int64_t>(number),
      NameOf(name));
  CallState& state = calls_[call];
  CheckMayAsk(state, call, name, now);
  LeaveOutResting(state, now);
  Ask ask{.call = call, .target = name, .stream = stream};
  const std::optional<BreakerModel::Permit> permit = ModelOf(name).Ask(now);
  if (permit.has_value()) {
    ask.permit = *permit;
  } else {
    Broken(absl::StrCat(NameOf(name), " is asked by call ", call,
                        " while it rests"));
  }
  const bool reconnects = std::exchange(state.next_is_reconnect, false);
  ask.extra = !state.asks.empty() && !reconnects;
  if (!state.asks.empty()) {
    const Ask& before = asks_[state.asks.back()];
    ask.taken_at = before.given_back_at;
    ask.active_when_taken = before.active_at_end;
    ask.keeps_place = reconnects && before.extra;
    if (ask.keeps_place) ask.extra = true;
  }
  state.asks.push_back(number);
  asks_.push_back(std::move(ask));
  return number;
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
  if (of_target >= scenario_.attempts_limit + (call.reconnected ? 1 : 0)) {
    broken("more often than attempts_limit");
  }
}

void CallRules::Speaks(size_t ask, absl::Duration now) {
  CompareBreakers(now);
  Ask& state = asks_[ask];
  Add(now, state.spoke ? "goes on" : "begins to answer",
      static_cast<int64_t>(state.call), static_cast<int64_t>(ask));
  if (std::exchange(state.spoke, true)) return;
  Ends(state);
  // A probe is over when its stream has begun.
  if (state.permit.probe) {
    TellModel(state, BreakerModel::Outcome::kSuccess, now);
  }
}

void CallRules::Finishes(size_t ask, absl::Duration now) {
  CompareBreakers(now);
  Ask& state = asks_[ask];
  Add(now, "has answered", static_cast<int64_t>(state.call),
      static_cast<int64_t>(ask));
  state.is_over = true;
  Ends(state);
  TellModel(state, BreakerModel::Outcome::kSuccess, now);
}

void CallRules::Fails(size_t ask, const absl::Status& failure,
                      bool not_processed, absl::Duration now) {
  CompareBreakers(now);
  Ask& state = asks_[ask];
  Add(now, "fails", static_cast<int64_t>(state.call), static_cast<int64_t>(ask),
      ReasonName(FaultReason(failure)));
  state.is_over = true;
  state.failure = failure;
  Ends(state);
  CallState& call = calls_[state.call];
  if (not_processed && !call.reconnected) {
    call.reconnected = true;
    call.next_is_reconnect = true;
  }
  call.refused_by_budget = state_->retry_budget.Read().refused;
  TellModel(state,
            CountsAgainstTarget(failure) ? BreakerModel::Outcome::kFailure
                                         : BreakerModel::Outcome::kNothing,
            now);
  LeaveOutResting(call, now);
}

void CallRules::LeaveOutResting(CallState& call, absl::Duration now) {
  std::erase_if(call.askable, [&](const TargetName& target) {
    return ModelOf(target).Wait(now) != absl::ZeroDuration();
  });
}

void CallRules::IsGivenUp(size_t ask, const absl::Status& why,
                          absl::Duration now) {
  CompareBreakers(now);
  Ask& state = asks_[ask];
  Add(now, "is given up", static_cast<int64_t>(state.call),
      static_cast<int64_t>(ask), ReasonName(FaultReason(why)));
  state.is_over = true;
  state.failure = why;
  Ends(state);
  TellModel(state,
            CountsAgainstTarget(why) ? BreakerModel::Outcome::kFailure
                                     : BreakerModel::Outcome::kNothing,
            now);
}

void CallRules::Ends(Ask& ask) {
  if (ask.given_back_at != INT64_MAX) return;
  ask.given_back_at = event_;
  ask.active_at_end = active_calls_;
}

void CallRules::Delivers(size_t call, std::string_view text,
                         absl::Duration now) {
  Add(now, "is delivered", static_cast<int64_t>(call), -1, text);
  CallState& state = calls_[call];
  if (state.answers + state.ends > 0) {
    Broken(absl::StrCat("call ", call, " is delivered more after its end"));
  }
  state.delivered.append(text);
}

void CallRules::Answers(size_t call, std::string_view text,
                        absl::Duration now) {
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
  CompareBreakers(now);
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
  const Ask& last = asks_[state.asks.back()];
  if (last.spoke || !GoesElsewhere(last.failure)) return;
  // What any of them said holds for the call.
  for (const size_t ask : state.asks) {
    if (!GoesElsewhere(asks_[ask].failure)) return;
  }
  if (state_->retry_budget.Read().refused != state.refused_by_budget) return;
  if (state.deadline - now < kTimeForAttempt) return;
  for (const TargetName& name : state.askable) {
    const bool asked =
        std::any_of(state.asks.begin(), state.asks.end(),
                    [&](size_t ask) { return asks_[ask].target == name; });
    if (!asked && ModelOf(name).Wait(now) == absl::ZeroDuration()) {
      Broken(absl::StrCat("call ", number, " fails, and ", NameOf(name),
                          " was not asked"));
    }
  }
}

// Nobody was asked: all must rest, and the caller hears for how long.
void CallRules::CheckRefusal(const CallState& state, size_t number,
                             absl::Duration now) {
  if (FaultReason(state.outcome) != v1::ERROR_REASON_CIRCUIT_OPEN) {
    Broken(absl::StrCat("call ", number, " asks nobody and fails with ",
                        ToAbsl(ReasonName(FaultReason(state.outcome)))));
    return;
  }
  for (const TargetName& name : state.askable) {
    if (ModelOf(name).Wait(now) == absl::ZeroDuration()) {
      Broken(absl::StrCat("call ", number, " is refused, and ", NameOf(name),
                          " could be asked"));
    }
  }
  const TargetName named(FaultMetadata(state.outcome, "provider"),
                         FaultMetadata(state.outcome, "model"));
  const absl::Duration wait =
      ModelOf(named).Wait(now).value_or(CircuitBreaker::kProbeWait);
  if (RetryDelay(state.outcome) != wait) {
    Broken(absl::StrCat(
        "call ", number, " is told to wait ",
        absl::FormatDuration(
            RetryDelay(state.outcome).value_or(-absl::InfiniteDuration())),
        " for ", NameOf(named), ", which rests for ",
        absl::FormatDuration(wait)));
  }
}

void CallRules::SimulationEnds(absl::Duration now) {
  CompareBreakers(now);
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i].is_over) Broken(absl::StrCat("call ", i, " is lost"));
  }
  if (active_calls_ != state_->retry_budget.Read().active_calls ||
      state_->retry_budget.Read().in_flight != 0) {
    Broken("the retry budget counts calls or retries that are over");
  }
  CheckBudget();
  switch (scenario_.kind) {
    case Scenario::Kind::kMixed:
      break;
    case Scenario::Kind::kDeadProvider:
      CheckDeadProvider();
      break;
    case Scenario::Kind::kAllWell:
      CheckShares();
      break;
    case Scenario::Kind::kHealed:
      CheckHealed();
      break;
  }
}

// When a retry or fallback took its place there was one.
void CallRules::CheckBudget() {
  std::vector<const Ask*> extras;
  for (const Ask& ask : asks_) {
    if (ask.extra) extras.push_back(&ask);
  }
  for (const Ask* ask : extras) {
    if (ask->keeps_place) continue;
    int64_t under_way = 0;
    for (const Ask* other : extras) {
      if (other->taken_at < ask->taken_at &&
          other->given_back_at > ask->taken_at) {
        ++under_way;
      }
    }
    const int64_t limit = std::max<int64_t>(
        scenario_.budget_minimum,
        ask->active_when_taken * scenario_.budget_percent / 100);
    if (under_way >= limit) {
      Broken(absl::StrCat("call ", ask->call, " asks again beside ", under_way,
                          " others, of ", ask->active_when_taken,
                          " calls under way"));
    }
  }
}

// The whole point of breakers and budget.
void CallRules::CheckDeadProvider() {
  const size_t most = calls_.size() + calls_.size() / 5;
  if (asks_.size() > most) {
    Broken(absl::StrCat(calls_.size(), " calls make ", asks_.size(),
                        " requests beside a dead provider"));
  }
}

// Everybody is asked, as often as his weight says.
void CallRules::CheckShares() {
  const ScenarioRoute& route = scenario_.routes.front();
  int weights = 0;
  for (const ScenarioTarget& target : route.targets) weights += target.weight;
  for (const ScenarioTarget& target : route.targets) {
    double asked = 0;
    for (const Ask& ask : asks_) {
      asked += ask.target.first == target.provider ? 1 : 0;
    }
    const double share = static_cast<double>(target.weight) / weights;
    const double expected = share * static_cast<double>(calls_.size());
    const double variance = expected * (1 - share);
    // Turns are exact; chance is within five standard deviations, and the
    // better of two strays farther.
    double off_max = 25 * variance;
    if (route.balancing == "least_requests") off_max *= 4;
    if (route.balancing == "round_robin") {
      off_max = static_cast<double>(route.targets.size());
      off_max *= off_max;
    }
    if ((asked - expected) * (asked - expected) > off_max) {
      Broken(absl::StrCat(target.provider, " is asked ", asked,
                          " times in place of ", expected));
    }
  }
  for (size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i].outcome.ok() || calls_[i].asks.size() != 1) {
      Broken(absl::StrCat("call ", i, " fails or asks twice, and all is well"));
    }
  }
}

// After a bad time calls go well again, and to everybody.
void CallRules::CheckHealed() {
  const absl::Duration well = begin_ + scenario_.healed_at +
                              scenario_.open_duration + absl::Seconds(25);
  std::map<TargetName, int> asked;
  int calls = 0;
  for (size_t i = 0; i < calls_.size(); ++i) {
    const CallState& call = calls_[i];
    if (call.began < well) continue;
    ++calls;
    for (const size_t ask : call.asks) ++asked[asks_[ask].target];
    if (!call.outcome.ok()) {
      Broken(absl::StrCat("call ", i, " fails long after all is well again"));
    }
  }
  const ScenarioRoute& route = scenario_.routes.front();
  int weights = 0;
  int first = 100;
  for (const ScenarioTarget& target : route.targets) {
    first = std::min(first, target.priority);
  }
  for (const ScenarioTarget& target : route.targets) {
    if (target.priority == first) weights += target.weight;
  }
  for (const ScenarioTarget& target : route.targets) {
    if (target.priority != first || calls * target.weight < 20 * weights) {
      continue;
    }
    const TargetName name(target.provider, target.model);
    if (asked[name] == 0) {
      Broken(absl::StrCat(NameOf(name), " is never asked again"));
    }
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

void CallRules::CompareBreakers(absl::Duration now, const TargetName* except) {
  CheckEjections(now);
  for (const auto& [name, model] : models_) {
    if (except != nullptr && *except == name) continue;
    const CircuitBreaker& breaker =
        state_->targets.Find(name.first, name.second).breaker;
    const CircuitBreaker::Snapshot real = breaker.Read(now);
    const absl::Duration wait =
        model.Wait(now).value_or(CircuitBreaker::kProbeWait);
    if (StateOf(real.state) == model.StateAt(now) && real.retry_after == wait &&
        (!scenario_.breaker_enforced ||
         real.consecutive_failures == model.failures_in_a_row())) {
      continue;
    }
    Broken(
        absl::StrCat("the breaker of ", NameOf(name), " is ",
                     ToAbsl(CircuitStateName(real.state)), " for ",
                     absl::FormatDuration(
                         real.retry_after.value_or(absl::InfiniteDuration())),
                     " after ", real.consecutive_failures,
                     " failures in a row, where ", absl::FormatDuration(wait),
                     " and ", model.failures_in_a_row(), " would be right"));
  }
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
