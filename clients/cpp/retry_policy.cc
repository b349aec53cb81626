#include "clients/cpp/retry_policy.h"

#include <grpc/support/time.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "absl/strings/numbers.h"
#include "clients/cpp/call_status.h"
#include "google/rpc/error_details.pb.h"

namespace gateway {
namespace {

constexpr absl::Duration kBackoff = absl::Milliseconds(200);
constexpr absl::Duration kBackoffMax = absl::Seconds(5);
// A push-back that is longer is the caller's affair.
constexpr absl::Duration kWaitMax = absl::Seconds(30);

bool IsOneOf(const std::string& reason,
             std::initializer_list<const char*> reasons) {
  return std::any_of(reasons.begin(), reasons.end(),
                     [&](const char* one) { return reason == one; });
}

bool MayBeRepeated(const FailedAttempt& failure, Repetition repetition) {
  const std::string reason =
      ErrorInfoOf(failure.status).value_or(google::rpc::ErrorInfo()).reason();
  // Another replica, or this one in a moment, may serve it.
  if (IsOneOf(reason, {"CONCURRENCY_LIMITED", "CONTEXT_SERVICE_UNAVAILABLE",
                       "DRAINING", "IDENTITY_UNAVAILABLE", "OVERLOADED"})) {
    return repetition != Repetition::kNever;
  }
  // The same, but only the gateway knows when.
  if (IsOneOf(reason, {"CIRCUIT_OPEN", "RATE_LIMITED", "STORE_UNAVAILABLE"})) {
    return repetition != Repetition::kNever && failure.pushback.has_value();
  }
  // A provider may have been asked before it was found out.
  if (reason == "LEDGER_UNAVAILABLE") {
    return repetition == Repetition::kAlways;
  }
  // What HTTP/2's GOAWAY refuses, as of a gateway that drains, was not begun.
  // gRPC makes it again by itself, but once; then it says so in these words.
  if (reason.empty() && absl::IsUnavailable(failure.status) &&
      failure.status.message() == "GOAWAY received") {
    return repetition != Repetition::kNever;
  }
  // Nobody answered, or not to the end.
  return reason.empty() && absl::IsUnavailable(failure.status) &&
         repetition == Repetition::kAlways;
}

// Between half of it and all, so that not all clients come at once: the clock's
// last digits are chance enough.
absl::Duration Backoff(int attempts) {
  const absl::Duration most =
      std::min(kBackoff * (1 << std::min(attempts - 1, 10)), kBackoffMax);
  const int nanos = gpr_now(GPR_CLOCK_REALTIME).tv_nsec % 1000;
  return most / 2 + most / 2 * (nanos / 1000.0);
}

}  // namespace

std::optional<absl::Duration> RetryWait(const FailedAttempt& failure,
                                        Repetition repetition, int attempts) {
  if (!MayBeRepeated(failure, repetition)) return std::nullopt;
  if (!failure.pushback.has_value()) return Backoff(attempts);
  int64_t ms = 0;
  if (!absl::SimpleAtoi(*failure.pushback, &ms) || ms < 0 ||
      absl::Milliseconds(ms) > kWaitMax) {
    return std::nullopt;
  }
  return absl::Milliseconds(ms);
}

int RetryBudget::Add(int tenths) {
  int now = tenths_.load();
  int then = 0;
  do {
    then = std::clamp(now + tenths, 0, kMax);
  } while (!tenths_.compare_exchange_weak(now, then));
  return then;
}

}  // namespace gateway
