#include "tests/simulation/credential_model.h"

#include <algorithm>

#include "errors/fault.h"

namespace gateway {

void CredentialModel::Fails(int credential, const absl::Status& failure,
                            absl::Duration spent_until, absl::Duration now) {
  State& state = states_[static_cast<size_t>(credential)];
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED: {
      const bool tells = spent_until != -absl::InfiniteDuration();
      const absl::Duration wait = RetryDelay(failure).value_or(
          tells ? spent_until - now : settings_->default_cooling);
      Cool(state, now + wait, /*predicted=*/false, now);
      break;
    }
    case v1::ERROR_REASON_PROVIDER_AUTH_FAILED:
    case v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
      if (!keyless_) state.usable_from = absl::InfiniteDuration();
      break;
    default:
      IsSpent(credential, spent_until, now);
      break;
  }
}

void CredentialModel::IsSpent(int credential, absl::Duration until,
                              absl::Duration now) {
  Cool(states_[static_cast<size_t>(credential)], until, /*predicted=*/true,
       now);
}

void CredentialModel::Cool(State& state, absl::Duration until, bool predicted,
                           absl::Duration now) {
  until = std::min(until, now + settings_->cooling_limit);
  if (until <= now || state.usable_from == absl::InfiniteDuration()) return;
  const bool cools = state.usable_from > now;
  // What was refused is known better than what is only foretold.
  if (cools && predicted && !state.predicted) return;
  const bool replaces = cools && state.predicted && !predicted;
  if (cools && !replaces) until = std::max(until, state.usable_from);
  state = {.usable_from = until, .predicted = predicted};
}

void CredentialModel::Succeeds(int credential) {
  State& state = states_[static_cast<size_t>(credential)];
  if (state.usable_from == absl::InfiniteDuration()) state = {};
}

bool CredentialModel::IsOut(int credential) const {
  return states_[static_cast<size_t>(credential)].usable_from ==
         absl::InfiniteDuration();
}

bool CredentialModel::IsPredicted(int credential, absl::Duration now) const {
  const State& state = states_[static_cast<size_t>(credential)];
  return !IsOut(credential) && state.usable_from > now && state.predicted;
}

bool CredentialModel::IsAnyPredicted(absl::Duration now) const {
  for (int i = 0; i < static_cast<int>(states_.size()); ++i) {
    if (IsPredicted(i, now)) return true;
  }
  return false;
}

absl::Duration CredentialModel::WaitFor(int credential,
                                        absl::Duration now) const {
  return std::max(states_[static_cast<size_t>(credential)].usable_from - now,
                  absl::ZeroDuration());
}

bool CredentialModel::MayBeAsked(absl::Duration now) const {
  return Wait(now) == absl::ZeroDuration();
}

bool CredentialModel::AreAllOut() const {
  return std::all_of(states_.begin(), states_.end(), [](const State& state) {
    return state.usable_from == absl::InfiniteDuration();
  });
}

absl::Duration CredentialModel::Wait(absl::Duration now) const {
  absl::Duration wait = absl::InfiniteDuration();
  for (const State& state : states_) {
    wait =
        std::min(wait, std::max(state.usable_from - now, absl::ZeroDuration()));
  }
  return wait;
}

}  // namespace gateway
