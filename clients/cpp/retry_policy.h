// Whether a failed call is made again, and after how long.
//
//   RetryBudget budget;
//   const std::optional<absl::Duration> wait =
//       RetryWait(failure, Repetition::kIfNobodyWasAsked, /*attempts=*/1);
//   if (wait.has_value() && budget.Failed()) ...
//
// The gateway retries what its providers fail, so a client that did it again
// would multiply the attempts. It repeats only what the gateway has turned away
// without asking a provider, and when the gateway says so; where nobody knows
// how far a call had come, only calls that do nothing twice.
//
// Thread contract: RetryWait is a plain function; RetryBudget is thread-safe.

#ifndef CLIENTS_CPP_RETRY_POLICY_H_
#define CLIENTS_CPP_RETRY_POLICY_H_

#include <atomic>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gateway {

enum class Repetition {
  kNever,  // What it does may have been done.
  kIfNobodyWasAsked,
  kAlways,  // Twice does what once does, and costs as much.
};

// Why an attempt has failed.
struct FailedAttempt {
  absl::Status status;  // With the payloads of call_status.h.
  // What the gateway says of other attempts: `grpc-retry-pushback-ms`.
  std::optional<std::string> pushback;
};

// Returns how long to wait after so many attempts; nothing if there is to be no
// other.
std::optional<absl::Duration> RetryWait(const FailedAttempt& failure,
                                        Repetition repetition, int attempts);

// Keeps the retries of a client few: each failure takes a token and each
// success gives back a tenth; there are no retries while half of them or fewer
// are left.
class RetryBudget {
 public:
  RetryBudget() = default;
  RetryBudget(const RetryBudget&) = delete;
  RetryBudget& operator=(const RetryBudget&) = delete;

  void Succeeded() { Add(kOfSuccess); }

  // Returns whether there may be a retry.
  bool Failed() { return Add(-kOfFailure) > kMax / 2; }

 private:
  // In tenths of tokens.
  static constexpr int kMax = 100;
  static constexpr int kOfFailure = 10;
  static constexpr int kOfSuccess = 1;

  // Returns how many there are then.
  int Add(int tenths);

  std::atomic<int> tenths_ = kMax;
};

}  // namespace gateway

#endif  // CLIENTS_CPP_RETRY_POLICY_H_
