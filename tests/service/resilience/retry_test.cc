#include "service/resilience/retry.h"

#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "errors/verdict.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/resilience.pb.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// Three attempts, backoff of 10 ms, then 20 ms; a provider may ask for 5 s.
RetryPolicy Policy(bool resend_after_timeout = false) {
  llmgateway::config::v1::RetryConfig config;
  config.set_attempts_limit(3);
  config.mutable_backoff_base()->set_nanos(10'000'000);
  config.set_backoff_multiplier(2);
  config.mutable_backoff_limit()->set_seconds(1);
  config.mutable_retry_after_limit()->set_seconds(5);
  config.set_resend_after_timeout(resend_after_timeout);
  return RetryPolicy(config);
}

std::optional<absl::Duration> DelayAfter(int attempts,
                                         const absl::Status& failure) {
  FakeRandom random{1};
  return Policy().DelayAfter(attempts, failure, /*abandoned=*/false, random);
}

absl::Status Asking(v1::ErrorReason reason, absl::Duration delay) {
  absl::Status status = MakeFault(reason, "later");
  SetRetryDelay(status, delay);
  return status;
}

TEST(RetryPolicyTest, OnlyWhatMayPassIsTriedAgain) {
  for (int i = 0; i < v1::ErrorReason_ARRAYSIZE; ++i) {
    if (!v1::ErrorReason_IsValid(i)) continue;
    const auto reason = static_cast<v1::ErrorReason>(i);
    if (reason == v1::ERROR_REASON_UNSPECIFIED) continue;
    const bool passes = reason == v1::ERROR_REASON_PROVIDER_UNAVAILABLE ||
                        reason == v1::ERROR_REASON_PROVIDER_TIMEOUT ||
                        reason == v1::ERROR_REASON_PROVIDER_RATE_LIMITED;
    EXPECT_EQ(DelayAfter(1, MakeFault(reason, "x")).has_value(), passes)
        << ReasonName(reason);
  }
}

TEST(RetryPolicyTest, WhatWasSentAndTimedOutIsSentAgainOnlyIfConfigured) {
  const absl::Status slow =
      MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "no answer");
  FakeRandom random{1};
  EXPECT_FALSE(Policy().DelayAfter(1, slow, true, random).has_value());
  EXPECT_TRUE(Policy().DelayAfter(1, slow, false, random).has_value());
  EXPECT_TRUE(Policy(true).DelayAfter(1, slow, true, random).has_value());
}

TEST(RetryPolicyTest, AProviderThatSaysItWouldFailAgainIsNotAskedAgain) {
  for (const v1::ErrorReason reason : {v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
                                       v1::ERROR_REASON_PROVIDER_RATE_LIMITED,
                                       v1::ERROR_REASON_PROVIDER_TIMEOUT}) {
    absl::Status failure = MakeFault(reason, "no");
    EXPECT_TRUE(DelayAfter(1, failure).has_value());
    AddFaultMetadata(failure, "provider_should_retry", "false");
    EXPECT_FALSE(DelayAfter(1, failure).has_value());
  }
}

TEST(RetryPolicyTest, WhatTheModelWritesIsAskedForOnceMore) {
  absl::Status failed = MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "x");
  AddFaultMetadata(failed, kOutputFaultKey, "MALFORMED_FUNCTION_CALL");
  EXPECT_TRUE(DelayAfter(1, failed).has_value());
  EXPECT_FALSE(DelayAfter(2, failed).has_value());
}

TEST(RetryPolicyTest, CancelAndDeadlineEndIt) {
  EXPECT_FALSE(DelayAfter(1, absl::CancelledError("gone")).has_value());
  EXPECT_FALSE(DelayAfter(1, absl::DeadlineExceededError("")).has_value());
  EXPECT_FALSE(DelayAfter(1, absl::InternalError("bug")).has_value());
}

TEST(RetryPolicyTest, CountsTheFirstTry) {
  const absl::Status down =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
  EXPECT_TRUE(DelayAfter(1, down).has_value());
  EXPECT_TRUE(DelayAfter(2, down).has_value());
  EXPECT_FALSE(DelayAfter(3, down).has_value());
  EXPECT_FALSE(DelayAfter(4, down).has_value());
}

TEST(RetryPolicyTest, BacksOffFurtherWithEachTry) {
  const absl::Status down =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "down");
  EXPECT_LT(*DelayAfter(1, down), absl::Milliseconds(10));
  // The same draw, so exactly twice as long.
  EXPECT_NEAR(absl::ToDoubleMilliseconds(*DelayAfter(2, down)),
              2 * absl::ToDoubleMilliseconds(*DelayAfter(1, down)), 0.001);
}

TEST(RetryPolicyTest, WaitsAsLongAsTheProviderAsksUpToTheLimit) {
  const auto asked = [](absl::Duration delay) {
    return DelayAfter(1, Asking(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, delay));
  };
  EXPECT_EQ(asked(absl::Seconds(2)), absl::Seconds(2));
  EXPECT_EQ(asked(absl::Seconds(5)), absl::Seconds(5));
  EXPECT_EQ(asked(absl::Seconds(5) + absl::Nanoseconds(1)), std::nullopt);
  EXPECT_EQ(asked(absl::Hours(300'000)), std::nullopt);
  EXPECT_EQ(asked(absl::InfiniteDuration()), std::nullopt);
}

TEST(RetryPolicyTest, AProviderThatAsksForNoWaitIsNotHammered) {
  const absl::Status now =
      Asking(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, absl::ZeroDuration());
  EXPECT_GT(*DelayAfter(1, now), absl::ZeroDuration());
  EXPECT_EQ(DelayAfter(1, now),
            DelayAfter(1, MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED,
                                    "no hint")));
}

TEST(RetryPolicyTest, AHintDoesNotMakeAFailureOneThatPasses) {
  EXPECT_FALSE(DelayAfter(1, Asking(v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED,
                                    absl::Seconds(1)))
                   .has_value());
}

}  // namespace
}  // namespace gateway
