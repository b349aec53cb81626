// Whom a call may ask, and when: what CallRules says of each request.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "errors/fault.h"
#include "tests/simulation/call_rules.h"

namespace gateway {
namespace {

bool IsOfCredential(const absl::Status& failure) {
  const v1::ErrorReason reason = FaultReason(failure);
  return reason == v1::ERROR_REASON_PROVIDER_RATE_LIMITED ||
         reason == v1::ERROR_REASON_PROVIDER_AUTH_FAILED ||
         reason == v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED;
}

// After so many failures in a row a target fails itself.
constexpr int kFailuresToFail = 3;

}  // namespace

const CallRules::Ask& CallRules::LastEnded(const CallState& call) const {
  size_t last = call.asks.front();
  for (const size_t ask : call.asks) {
    const bool is_later = asks_[last].given_back_at == INT64_MAX ||
                          asks_[ask].given_back_at > asks_[last].given_back_at;
    if (asks_[ask].given_back_at != INT64_MAX && is_later) last = ask;
  }
  return asks_[last];
}

bool CallRules::WasAsked(const CallState& call, const TargetName& name) const {
  return std::any_of(call.asks.begin(), call.asks.end(), [&](size_t ask) {
    return asks_[ask].target == name;
  });
}

bool CallRules::FailsItself(const TargetName& target) const {
  const auto found = failures_in_a_row_.find(target);
  return found != failures_in_a_row_.end() && found->second >= kFailuresToFail;
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
  const absl::Duration due = began + scenario_.hedge_delay;
  // What the ledger takes may make it late.
  if (under_way > 1 || now < due || (now > due && money() == nullptr)) {
    Broken(absl::StrCat("call ", number, " asks beside ", under_way,
                        " others, the last of which has been asked for ",
                        absl::FormatDuration(now - began)));
  }
}

bool CallRules::StandsInFor(const CallState& call, const Ask& ask,
                            absl::Duration now) {
  const Ask& before = LastEnded(call);
  if (ask.target != before.target || now != before.ended) return false;
  // One that is put off has given its place back before it is made.
  if (call.next_is_reconnect) return call.put_off_reconnect != ask.target;
  return IsOfCredential(before.failure) && ask.credential != before.credential;
}

// One whose target's credentials are out, or cool by what heads have said, is
// made once nobody else is left. One that waits until they may be sent is a
// retry.
bool CallRules::IsLateReconnect(const CallState& call, const Ask& ask,
                                absl::Duration now) {
  return call.put_off_reconnect == ask.target &&
         (now == LastEnded(call).ended ||
          !CredentialsOf(ask.target).MayBeAsked(now));
}

bool CallRules::CouldStandIn(const CallState& call, const Ask& before,
                             absl::Duration now) {
  // Of two that are under way, who failed last is seen elsewhere.
  if (IsHedged() || !IsOfCredential(before.failure)) return false;
  const CredentialModel& model = CredentialsOf(before.target);
  if (model.WaitFor(before.credential, now) == absl::ZeroDuration()) {
    return false;
  }
  const auto failed = static_cast<size_t>(
      std::count_if(call.asks.begin(), call.asks.end(), [&](size_t ask) {
        return asks_[ask].target == before.target &&
               IsOfCredential(asks_[ask].failure);
      }));
  return failed < model.size() && IsAskable(before.target, now);
}

void CallRules::CheckCredential(size_t number, const TargetName& name,
                                int credential, absl::Duration now) {
  const CredentialModel& model = CredentialsOf(name);
  if (model.WaitFor(credential, now) == absl::ZeroDuration()) return;
  // Then it is tried once more, or for the first time.
  if (model.AreAllOut()) return;
  if (model.IsPredicted(credential, now) && !model.MayBeAsked(now)) return;
  Broken(absl::StrCat("call ", number, " sends ", name.first, " ",
                      CredentialName(credential), ", which ",
                      model.IsOut(credential) ? "is out" : "cools"));
}

bool CallRules::IsAskable(const TargetName& target, absl::Duration now) {
  return IsUsable(target, now) && CredentialsOf(target).MayBeAsked(now) &&
         !IsFull(target, now);
}

bool CallRules::IsUsable(const TargetName& target, absl::Duration now) {
  return !disabled_.contains(target) &&
         ModelOf(target).Wait(now) == absl::ZeroDuration();
}

bool CallRules::MayBeLastResort(const TargetName& target, absl::Duration now) {
  const CredentialModel& model = CredentialsOf(target);
  return IsUsable(target, now) && !model.MayBeAsked(now) &&
         (model.AreAllOut() || model.IsAnyPredicted(now));
}

bool CallRules::IsFull(const TargetName& target, absl::Duration now) const {
  const auto& [provider, model] = target;
  return HasNoPlace(provider,
                    scenario_.SettingsOf(provider).concurrent_attempts_limit,
                    now) ||
         HasNoPlace(TextOf(target),
                    scenario_.OwnOf(provider, model).concurrent_attempts_limit,
                    now);
}

bool CallRules::HasNoPlace(const std::string& whose, int limit,
                           absl::Duration now) const {
  const auto found = uses_.find(whose);
  if (limit == 0 || found == uses_.end()) return false;
  const ProviderUse& use = found->second;
  return use.under_way + (use.last_end == now ? use.ended_then : 0) >= limit;
}

void CallRules::CheckLoad(const std::string& whose, int limit) {
  const int under_way = ++uses_[whose].under_way;
  if (limit == 0 || under_way <= limit) return;
  Broken(absl::StrCat(whose, " has ", under_way, " requests under way, where ",
                      limit, " may be"));
}

void CallRules::CheckMayAsk(const CallState& call, size_t number,
                            const TargetName& name, absl::Duration now) {
  const auto broken = [&](std::string_view why) {
    Broken(absl::StrCat("call ", number, " asks ", TextOf(name), " ",
                        ToAbsl(why)));
  };
  if (!call.delivered.empty()) broken("after it has delivered output");
  if (disabled_.contains(name)) broken("which is disabled");
  if (call.left) broken("after its caller has left");
  if (now > call.deadline) broken("after its deadline");
  if (call.is_over || call.answers + call.ends > 0) broken("after its end");
  int of_target = 0;
  for (const size_t before : call.asks) {
    of_target += asks_[before].target == name ? 1 : 0;
  }
  const int credentials = static_cast<int>(CredentialsOf(name).size());
  if (of_target >= scenario_.AttemptsLimitOf(name.first, name.second) +
                       (call.reconnected ? 1 : 0) +
                       std::max(credentials - 1, 0)) {
    broken("more often than attempts_limit");
  }
}

void CallRules::IsGivenTime(size_t ask, absl::Duration first_byte) {
  const Ask& state = asks_[ask];
  const absl::Duration own =
      scenario_.FirstByteOf(state.target.first, state.target.second,
                            scenario_.calls[state.call].stream);
  if (first_byte == own) return;
  Broken(absl::StrCat("call ", state.call, " gives ", TextOf(state.target), " ",
                      absl::FormatDuration(first_byte),
                      " for its first byte, where ", absl::FormatDuration(own),
                      " is its own limit"));
}

void CallRules::FillPlace(CallState& call, size_t number, Ask& ask,
                          absl::Duration now) {
  if (IsUnderWay(call)) {
    // One that is asked beside another takes its place now.
    CheckHedge(call, number, now);
    ask.is_hedge = true;
    ask.extra = true;
    ask.taken_at = event_;
    ask.active_when_taken = active_calls_;
    return;
  }
  const Ask& before = LastEnded(call);
  const bool keeps = StandsInFor(call, ask, now);
  const bool is_late = !keeps && IsLateReconnect(call, ask, now);
  ask.stands_in = keeps || is_late;
  if (ask.stands_in && call.put_off_reconnect == ask.target) {
    call.put_off_reconnect.reset();
  }
  // A hedge's place is given back with it.
  ask.keeps_place = keeps && before.extra && !before.is_hedge;
  ask.extra = ask.keeps_place || (!keeps && FailsItself(ask.target)) ||
              (!ask.stands_in && WasAsked(call, ask.target));
  ask.taken_at = before.given_back_at;
  ask.active_when_taken = before.active_at_end;
  if (ask.stands_in) return;
  if (call.could_stand_in) {
    Broken(absl::StrCat("call ", number, " asks ", TextOf(ask.target),
                        ", and another credential of ", before.target.first,
                        " could be sent"));
  }
  if (calls_[number].deadline - now < kLeastAttempt - kTick) {
    Broken(absl::StrCat("call ", number, " asks ", TextOf(ask.target), " ",
                        absl::FormatDuration(calls_[number].deadline - now),
                        " before its deadline"));
  }
  CheckRepeat(call, number, ask);
}

// Each target is asked once, whatever the limit of attempts.
void CallRules::CheckRepeat(const CallState& call, size_t number,
                            const Ask& ask) {
  const bool is_repeat = WasAsked(call, ask.target);
  const int made = static_cast<int>(call.asks.size()) - call.stand_ins;
  if (!is_repeat || made < scenario_.attempts_limit) return;
  Broken(absl::StrCat("call ", number, " asks ", TextOf(ask.target),
                      " again after ", made, " attempts"));
}

void CallRules::CheckFirstContent(const Ask& ask, absl::Duration now) {
  if (!scenario_.calls[ask.call].stream || ask.spoke) return;
  const absl::Duration limit =
      scenario_.FirstContentOf(ask.target.first, ask.target.second);
  // If too little would be left for another, it may go on.
  if (calls_[ask.call].deadline - ask.began < limit + kLeastAttempt) return;
  if (now - ask.began <= limit + kTick) return;
  Broken(absl::StrCat("call ", ask.call, " waits for content of ",
                      TextOf(ask.target), " for ",
                      absl::FormatDuration(now - ask.began), ", where ",
                      absl::FormatDuration(limit), " is the limit"));
}

// By its provider's limit or by its share of the call's time, which is not less
// than this.
void CallRules::CheckGivenUp(const Ask& ask, const absl::Status& why,
                             absl::Duration now) {
  if (FaultReason(why) != v1::ERROR_REASON_PROVIDER_TIMEOUT) return;
  absl::Duration least =
      std::min(absl::Seconds(2), calls_[ask.call].deadline - ask.began);
  if (scenario_.calls[ask.call].stream) {
    least = std::min(
        least, scenario_.FirstContentOf(ask.target.first, ask.target.second));
  }
  if (now - ask.began >= least) return;
  Broken(absl::StrCat("call ", ask.call, " gives ", TextOf(ask.target),
                      " up after ", absl::FormatDuration(now - ask.began)));
}

}  // namespace gateway
