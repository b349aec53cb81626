#include "service/resilience/retry.h"

#include <algorithm>

#include "errors/fault.h"
#include "errors/verdict.h"
#include "proto/proto_time.h"

namespace gateway {
RetryPolicy::RetryPolicy(const llmgateway::config::v1::RetryConfig& config)
    : attempts_max_(config.attempts_limit()),
      backoff_({.base = ToAbsl(config.backoff_base()),
                .multiplier = config.backoff_multiplier(),
                .limit = ToAbsl(config.backoff_limit())}),
      retry_after_max_(ToAbsl(config.retry_after_limit())),
      resend_after_timeout_(config.resend_after_timeout()) {}

bool RetryPolicy::MayRetry(const absl::Status& failure, bool abandoned) const {
  if (ForbidsRetry(failure)) return false;
  if (resend_after_timeout_ &&
      FaultReason(failure) == v1::ERROR_REASON_PROVIDER_TIMEOUT) {
    return true;
  }
  return MayAskAgain(failure, abandoned);
}

std::optional<absl::Duration> RetryPolicy::DelayAfter(
    int attempts, const absl::Status& failure, bool abandoned,
    Random& random) const {
  if (attempts >= attempts_max_ || !MayRetry(failure, abandoned)) {
    return std::nullopt;
  }
  // What the model writes twice it writes again.
  if (attempts > 1 &&
      ClassifyFailure(failure, abandoned) == Verdict::kOutputFailed) {
    return std::nullopt;
  }
  const absl::Duration delay = backoff_.Delay(attempts, random);
  const std::optional<absl::Duration> asked = RetryDelay(failure);
  if (!asked.has_value()) return delay;
  if (*asked > retry_after_max_) return std::nullopt;
  // Never less than the back-off, even if the provider asks for no wait at all.
  return std::max(*asked, delay);
}

}  // namespace gateway
