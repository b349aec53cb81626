#include "service/identity/authentication_counts.h"

#include "errors/fault.h"

namespace gateway {
namespace {

// A number of this thread.
size_t NumberOfThread() {
  static std::atomic<size_t> threads = 0;
  thread_local const size_t number =
      threads.fetch_add(1, std::memory_order_relaxed);
  return number;
}

}  // namespace

std::string_view AuthenticationOutcomeName(AuthenticationOutcome outcome) {
  switch (outcome) {
    case AuthenticationOutcome::kAccepted:
      return "accepted";
    case AuthenticationOutcome::kInvalid:
      return "invalid";
    case AuthenticationOutcome::kExpired:
      return "expired";
    case AuthenticationOutcome::kDisabled:
      return "disabled";
    case AuthenticationOutcome::kTooManyGuesses:
      return "too_many_guesses";
    case AuthenticationOutcome::kUnavailable:
      return "unavailable";
  }
  return "";
}

AuthenticationOutcome OutcomeOfFault(const absl::Status& fault) {
  switch (FaultReason(fault)) {
    case v1::ERROR_REASON_API_KEY_EXPIRED:
      return AuthenticationOutcome::kExpired;
    case v1::ERROR_REASON_API_KEY_DISABLED:
      return AuthenticationOutcome::kDisabled;
    case v1::ERROR_REASON_RATE_LIMITED:
      return AuthenticationOutcome::kTooManyGuesses;
    case v1::ERROR_REASON_IDENTITY_UNAVAILABLE:
      return AuthenticationOutcome::kUnavailable;
    default:
      return AuthenticationOutcome::kInvalid;
  }
}

void AuthenticationCounts::Record(CallerMethod method,
                                  AuthenticationOutcome outcome) {
  shards_[NumberOfThread() % kShards]
      .counts[static_cast<size_t>(method)][static_cast<size_t>(outcome)]
      .fetch_add(1, std::memory_order_relaxed);
}

uint64_t AuthenticationCounts::Of(CallerMethod method,
                                  AuthenticationOutcome outcome) const {
  uint64_t sum = 0;
  for (const Shard& shard : shards_) {
    sum +=
        shard.counts[static_cast<size_t>(method)][static_cast<size_t>(outcome)]
            .load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace gateway
