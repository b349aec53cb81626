// How a call may end: what CallRules says of its outcome.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "service/resilience/circuit_breaker.h"
#include "tests/simulation/call_rules.h"

namespace gateway {
namespace {

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

}  // namespace

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
  if (state.left && now > state.left_at + kTick && money() == nullptr) {
    Broken(absl::StrCat("call ", number, " goes on after its caller has left"));
  }
  if (money() == nullptr) CheckTimes(state, number, now);
  for (const size_t ask : state.asks) {
    if (!asks_[ask].is_over) {
      Broken(absl::StrCat("call ", number, " ends and leaves request ", ask,
                          " behind"));
    }
  }
  CheckAttempts(state, number, call);
  if (money() != nullptr) money()->CallEnds(number, outcome);
  CheckReason(state, number, call);
  if (outcome.ok()) {
    CheckAnswer(state, number);
  } else if (money() == nullptr && !state.left && !IsOfCaller(outcome) &&
             !IsOfLimit(outcome)) {
    if (state.could_stand_in) {
      Broken(absl::StrCat("call ", number, " fails, and another credential of ",
                          asks_[state.asks.back()].target.first,
                          " could be sent"));
    }
    CheckHadToFail(state, number, now);
  }
}

// A call ends in its time, and not before it for want of time.
void CallRules::CheckTimes(const CallState& state, size_t number,
                           absl::Duration now) {
  if (now > state.deadline + kTick) {
    Broken(absl::StrCat("call ", number, " ends ",
                        absl::FormatDuration(now - state.deadline),
                        " after its deadline"));
  }
  if (state.left) return;
  const v1::ErrorReason reason = FaultReason(state.outcome);
  if (reason == v1::ERROR_REASON_CANCELLED) {
    Broken(absl::StrCat("call ", number, " is cancelled by nobody"));
  }
  if (reason != v1::ERROR_REASON_DEADLINE_EXCEEDED) return;
  if (now < state.deadline) {
    Broken(absl::StrCat("call ", number, " has ",
                        absl::FormatDuration(state.deadline - now),
                        " left, and fails for want of time"));
  }
  // Who waits for a back-off has time left after it.
  const bool was_asking =
      std::any_of(state.asks.begin(), state.asks.end(),
                  [&](size_t ask) { return asks_[ask].ended == now; });
  if (!was_asking && state.delivered.empty()) {
    Broken(absl::StrCat("call ", number,
                        " waits until its deadline, and asks nobody"));
  }
}

// What is recorded of attempts is what the providers have seen.
void CallRules::CheckAttempts(const CallState& state, size_t number,
                              const Call& call) {
  int answered = 0;
  size_t seen = 0;
  for (const Attempt& attempt : call.attempts) {
    answered += attempt.answered ? 1 : 0;
    // Its entry could not be written, or not in time.
    if (attempt.progress.dispatched == -absl::InfiniteDuration()) continue;
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
        whole += PieceOf(ask, piece, pieces, piece_bytes());
      }
      if (state.delivered == whole) return;
    }
  }
  Broken(absl::StrCat("call ", number, " has got `", state.delivered,
                      "`, which no provider has said"));
}

// A call fails only where nobody is left to be asked, or the budget is used up
// and all the others fail themselves.
void CallRules::CheckHadToFail(const CallState& state, size_t number,
                               absl::Duration now) {
  if (state.asks.empty()) return CheckRefusal(state, number, now);
  // What any of them said holds for the call. Who rested when a hedge was due
  // was passed over then.
  for (const size_t ask : state.asks) {
    if (asks_[ask].ended - asks_[ask].began >= scenario_.hedge_delay) return;
    if (asks_[ask].spoke || !GoesElsewhere(asks_[ask].failure)) return;
  }
  if (state.deadline - now < kLeastAttempt) return;
  const bool refused =
      state_->retry_budget.Read().refused != state.refused_by_budget;
  for (const TargetName& name : refused ? state.well : state.askable) {
    const bool fails = refused && FailsItself(name);
    if (!WasAsked(state, name) && !fails && IsAskable(name, now)) {
      Broken(absl::StrCat("call ", number, " fails, and ", TextOf(name),
                          " was not asked"));
    }
  }
}

// Nobody was asked: all must rest or have their hands full, and the caller
// hears for how long; or nobody may be asked.
void CallRules::CheckRefusal(const CallState& state, size_t number,
                             absl::Duration now) {
  for (const TargetName& name : state.askable) {
    if (IsAskable(name, now)) {
      Broken(absl::StrCat("call ", number, " is refused, and ", TextOf(name),
                          " could be asked"));
    }
  }
  const std::optional<absl::Duration> wait = WaitOf(state, number, now);
  if (!wait.has_value()) {
    Broken(absl::StrCat("call ", number, " asks nobody and fails with ",
                        ToAbsl(ReasonName(FaultReason(state.outcome)))));
  } else if (RetryDelay(state.outcome).value_or(absl::ZeroDuration()) !=
             *wait) {
    Broken(absl::StrCat(
        "call ", number, " is told to wait ",
        absl::FormatDuration(
            RetryDelay(state.outcome).value_or(absl::ZeroDuration())),
        " for ", FaultMetadata(state.outcome, "provider"), "/",
        FaultMetadata(state.outcome, "model"), ", which rests for ",
        absl::FormatDuration(*wait)));
  }
}

// What passes is told before what an operator has done.
bool CallRules::RestByOperator(const CallState& state, size_t number,
                               absl::Duration now) {
  std::vector<TargetName> targets = TargetsOf(state, number);
  if (state.way == Way::kSelection) {
    // Any of them could have been chosen.
    for (const ScenarioPolicy* policy :
         selection_.Qualified(*scenario_.calls[number].need)) {
      targets.push_back(NameOf(policy->target));
    }
  }
  return std::all_of(
      targets.begin(), targets.end(),
      [&](const TargetName& target) { return RestsByOperator(target, now); });
}

std::optional<absl::Duration> CallRules::WaitOf(const CallState& state,
                                                size_t number,
                                                absl::Duration now) {
  const v1::ErrorReason reason = FaultReason(state.outcome);
  if (state.way == Way::kRefused) {
    if (reason != v1::ERROR_REASON_NOT_ROLLED_OUT) return std::nullopt;
    return absl::ZeroDuration();
  }
  if (reason == v1::ERROR_REASON_CAPABILITY_UNSUPPORTED) {
    const bool none_qualifies =
        state.way == Way::kSelection &&
        selection_.Qualified(*scenario_.calls[number].need).empty();
    if (!none_qualifies) return std::nullopt;
    return absl::ZeroDuration();
  }
  const TargetName named(FaultMetadata(state.outcome, "provider"),
                         FaultMetadata(state.outcome, "model"));
  if (credentials_.find(named.first) == credentials_.end()) return std::nullopt;
  switch (reason) {
    case v1::ERROR_REASON_MODEL_DISABLED:
      if (!disabled_.contains(named) || !RestByOperator(state, number, now)) {
        return std::nullopt;
      }
      return absl::ZeroDuration();
    case v1::ERROR_REASON_CIRCUIT_OPEN: {
      const absl::Duration wait =
          ModelOf(named).Wait(now).value_or(CircuitBreaker::kProbeWait);
      const bool is_forced = wait == absl::InfiniteDuration();
      const std::string_view circuit = is_forced ? "forced_open" : "open";
      if (FaultMetadata(state.outcome, "circuit") != circuit ||
          (is_forced && !RestByOperator(state, number, now))) {
        return std::nullopt;
      }
      return is_forced ? absl::ZeroDuration() : wait;
    }
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      // What is only foretold keeps nobody from being asked in the end.
      if (CredentialsOf(named).IsAnyPredicted(now) && !IsFull(named, now)) {
        return std::nullopt;
      }
      return CredentialsOf(named).Wait(now);
    case v1::ERROR_REASON_PROVIDER_AUTH_FAILED:
      // Not even by way of trial.
      if (!CredentialsOf(named).AreAllOut() || !IsFull(named, now)) {
        return std::nullopt;
      }
      return absl::ZeroDuration();
    case v1::ERROR_REASON_OVERLOADED:
      if (!IsFull(named, now)) return std::nullopt;
      return absl::Seconds(1);
    default:
      return std::nullopt;
  }
}

}  // namespace gateway
