#include "service/resilience/retry.h"

#include <algorithm>

#include "errors/fault.h"
#include "proto/proto_time.h"

namespace gateway {
namespace {

bool MayRetry(const absl::Status& failure) {
  switch (FaultReason(failure)) {
    case v1::ERROR_REASON_PROVIDER_UNAVAILABLE:
    case v1::ERROR_REASON_PROVIDER_TIMEOUT:
    case v1::ERROR_REASON_PROVIDER_RATE_LIMITED:
      return true;
    default:
      return false;
  }
}

}  // namespace

RetryPolicy::RetryPolicy(const llmgateway::config::v1::RetryConfig& config)
    : tries_max_(config.attempts_limit()),
      backoff_({.base = ToAbsl(config.backoff_base()),
                .multiplier = config.backoff_multiplier(),
                .limit = ToAbsl(config.backoff_limit())}),
      retry_after_max_(ToAbsl(config.retry_after_limit())) {}

std::optional<absl::Duration> RetryPolicy::DelayAfter(
    int tries, const absl::Status& failure, Random& random) const {
  if (tries >= tries_max_ || !MayRetry(failure)) return std::nullopt;
  const absl::Duration delay = backoff_.Delay(tries, random);
  const std::optional<absl::Duration> asked = RetryDelay(failure);
  if (!asked.has_value()) return delay;
  if (*asked > retry_after_max_) return std::nullopt;
  // Whoever asks for no wait at all is still not to be hammered.
  return std::max(*asked, delay);
}

}  // namespace gateway
