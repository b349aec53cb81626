// RetryPolicy says, after a failed attempt, whether another at the same target
// may follow, and after how long.
//
// What may follow is what ClassifyFailure (errors/verdict.h) says: a provider
// that could not be reached, failed or was overloaded is tried again, and so is
// one that asks to wait, if not for too long. One that was sent the request and
// did not answer in time may still be at work on it, and bills it: it is tried
// again only where the configuration says so.
//
// Thread contract: immutable.

#ifndef SERVICE_RESILIENCE_RETRY_H_
#define SERVICE_RESILIENCE_RETRY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/os/random.h"
#include "llmgateway/config/v1/resilience.pb.h"
#include "service/resilience/backoff.h"

namespace gateway {

class RetryPolicy {
 public:
  // REQUIRES: defaults have been applied.
  explicit RetryPolicy(const llmgateway::config::v1::RetryConfig& config);

  // Returns how long to wait before the next attempt; nothing if there must be
  // none. `attempts` counts those made, the first included; `abandoned` is as
  // for ClassifyFailure.
  std::optional<absl::Duration> DelayAfter(int attempts,
                                           const absl::Status& failure,
                                           bool abandoned,
                                           Random& random) const;

  // Attempts that there may be, the first included.
  int attempts_limit() const { return attempts_max_; }
  // The longest that is waited because a provider asks for it.
  absl::Duration retry_after_limit() const { return retry_after_max_; }

 private:
  bool MayRetry(const absl::Status& failure, bool abandoned) const;

  const int attempts_max_;
  const Backoff backoff_;
  // If a provider asks for a longer wait, no other attempt is made.
  const absl::Duration retry_after_max_;
  const bool resend_after_timeout_;
};

}  // namespace gateway

#endif  // SERVICE_RESILIENCE_RETRY_H_
