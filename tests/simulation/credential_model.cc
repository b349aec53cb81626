#include "tests/simulation/credential_model.h"

#include <algorithm>

#include "errors/fault.h"

namespace gateway {

void CredentialModel::Fails(int credential, const absl::Status& failure,
                            absl::Duration now) {
  absl::Duration& from = usable_from_[static_cast<size_t>(credential)];
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      from = std::max(from, now + std::min(RetryDelay(failure).value_or(
                                               settings_->default_cooling),
                                           settings_->cooling_limit));
      break;
    case v1::ERROR_REASON_PROVIDER_AUTH_FAILED:
    case v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED:
      if (!keyless_) from = absl::InfiniteDuration();
      break;
    default:
      break;
  }
}

void CredentialModel::Succeeds(int credential) {
  absl::Duration& from = usable_from_[static_cast<size_t>(credential)];
  if (from == absl::InfiniteDuration()) from = absl::ZeroDuration();
}

bool CredentialModel::IsOut(int credential) const {
  return usable_from_[static_cast<size_t>(credential)] ==
         absl::InfiniteDuration();
}

absl::Duration CredentialModel::WaitFor(int credential,
                                        absl::Duration now) const {
  return std::max(usable_from_[static_cast<size_t>(credential)] - now,
                  absl::ZeroDuration());
}

bool CredentialModel::MayBeAsked(absl::Duration now) const {
  return Wait(now) == absl::ZeroDuration();
}

bool CredentialModel::AreAllOut() const {
  return std::all_of(usable_from_.begin(), usable_from_.end(),
                     [](absl::Duration from) {
                       return from == absl::InfiniteDuration();
                     });
}

absl::Duration CredentialModel::Wait(absl::Duration now) const {
  absl::Duration wait = absl::InfiniteDuration();
  for (const absl::Duration from : usable_from_) {
    wait = std::min(wait, std::max(from - now, absl::ZeroDuration()));
  }
  return wait;
}

}  // namespace gateway
