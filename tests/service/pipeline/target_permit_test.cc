#include "service/pipeline/target_permit.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/provider_policy.h"
#include "tests/service/pipeline/two_providers.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class TargetPermitTest : public TwoProviders {
 protected:
  // Asks for a permit of the first provider, and gives it back.
  std::optional<TargetRefusal> Refusal(
      TargetResort resort = TargetResort::kOrdinary,
      std::string_view callers_credential = {}) {
    google::protobuf::Arena arena;
    CancelSignal cancel;
    Call call(runtime_, runner_.loop(), client_, cancel, arena,
              runner_.loop().Now());
    call.facts.provider_credential = callers_credential;
    const PlannedTarget target{.provider = runtime_->providers().Find("first"),
                               .model = "m",
                               .upstream_model = "m",
                               .recorded_model = "m"};
    TargetRefusal refusal;
    const std::optional<TargetPermit> permit =
        AcquireTarget(call, target, resort, &refusal);
    if (!permit.has_value()) return refusal;
    tries_one_that_is_out_ = permit->last_resort;
    credential_ = permit->credential;
    return std::nullopt;
  }

  GradientLimit& LimitOf(size_t credential) {
    return runtime_->PolicyOf(*runtime_->providers().Find("first"))
        .credential_limits->Of(credential);
  }

  CredentialPool& Pool() {
    return *runtime_->PolicyOf(*runtime_->providers().Find("first"))
                .credentials;
  }

  // Of the last permit.
  bool tries_one_that_is_out_ = false;
  size_t credential_ = 0;
};

TEST_F(TargetPermitTest, ABreakerThatIsOpenRefuses) {
  EXPECT_FALSE(Refusal().has_value());
  CircuitBreaker& breaker =
      runtime_->resilience().targets.Find("first", "m").breaker;
  breaker.Force(CircuitBreaker::State::kOpen, runner_.loop().Now());
  EXPECT_EQ(FaultReason(Refusal()->status), v1::ERROR_REASON_CIRCUIT_OPEN);
  EXPECT_EQ(RetryDelay(Refusal()->status), absl::Seconds(30));
  EXPECT_FALSE(Refusal()->has_last_resort);
  EXPECT_THAT(std::string(Refusal()->status.message()),
              HasSubstr("rests after it has failed repeatedly"));
}

TEST_F(TargetPermitTest, OneThatAnOperatorHasForcedOpenSaysSo) {
  runtime_->resilience()
      .targets.Find("first", "m")
      .breaker.Force(CircuitBreaker::State::kForcedOpen, runner_.loop().Now());
  const absl::Status refused = Refusal()->status;
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CIRCUIT_OPEN);
  EXPECT_THAT(std::string(refused.message()),
              HasSubstr("an operator has forced its circuit open"));
  EXPECT_FALSE(RetryDelay(refused).has_value());
}

TEST_F(TargetPermitTest, AProviderWithoutCredentialsIsNotOut) {
  const absl::Duration now = runner_.loop().Now();
  Pool().Record(0, now, Refused());
  EXPECT_FALSE(Refusal().has_value());
  Pool().Record(0, now, Limited(absl::Seconds(4)));
  EXPECT_EQ(FaultReason(Refusal()->status),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_THAT(std::string(Refusal()->status.message()),
              HasSubstr("until the limit that it has told"));
  EXPECT_EQ(RetryDelay(Refusal()->status), absl::Seconds(4));
}

TEST_F(TargetPermitTest, AProbeThatFindsNoCredentialIsGivenBack) {
  Configure("retry: {attempts_limit: 1}",
            {.credentials = "{api_key: 'env:B', name: other}"});
  CircuitBreaker& breaker =
      runtime_->resilience().targets.Find("first", "m").breaker;
  breaker.Force(CircuitBreaker::State::kHalfOpen, runner_.loop().Now());
  Pool().Record(0, runner_.loop().Now(), Limited(absl::Seconds(4)));
  Pool().Record(1, runner_.loop().Now(), Limited(absl::Seconds(2)));
  EXPECT_EQ(FaultReason(Refusal()->status),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(RetryDelay(Refusal()->status), absl::Seconds(2));
  EXPECT_EQ(breaker.Read(runner_.loop().Now()).probes_in_flight, 0);
}

TEST_F(TargetPermitTest, WhereAllAreOutOneIsLeftAsALastResort) {
  Configure("retry: {attempts_limit: 1}",
            {.credentials = "{api_key: 'env:B', name: other}"});
  Pool().Record(0, runner_.loop().Now(), Refused());
  EXPECT_FALSE(Refusal().has_value());
  Pool().Record(1, runner_.loop().Now(), Refused());
  EXPECT_EQ(FaultReason(Refusal()->status),
            v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_TRUE(Refusal()->has_last_resort);
  EXPECT_FALSE(Refusal(TargetResort::kLast).has_value());
  EXPECT_TRUE(tries_one_that_is_out_);
}

TEST_F(TargetPermitTest, OneThatOnlyCoolsByItsRateHeadersIsOneToo) {
  Configure("retry: {attempts_limit: 1}",
            {.credentials = "{api_key: 'env:B', name: other}"});
  Pool().Record(0, runner_.loop().Now(), Refused());
  Pool().Record(1, runner_.loop().Now(), absl::OkStatus(), absl::Seconds(9));
  EXPECT_TRUE(Refusal()->has_last_resort);
  EXPECT_FALSE(Refusal(TargetResort::kLast).has_value());
  // An answer that is begun now says nothing of a refusal that comes before it.
  EXPECT_FALSE(tries_one_that_is_out_);
}

TEST_F(TargetPermitTest, ACallersCredentialIsItsOwn) {
  Configure("retry: {attempts_limit: 1}",
            {.credentials = "{api_key: 'env:B', name: other}"});
  for (const size_t i : {0, 1}) {
    Pool().Record(i, runner_.loop().Now(), Limited(absl::Seconds(4)));
  }
  // The provider does not take any.
  EXPECT_TRUE(Refusal(TargetResort::kOrdinary, "mine").has_value());
}

TEST_F(TargetPermitTest, AFullCredentialIsPassedOverForAnother) {
  Configure("retry: {attempts_limit: 1}",
            {.credentials = "{api_key: 'env:B', name: other}",
             .resilience = "adaptive_concurrency: {max_limit: 1}"});
  {
    const std::optional<GradientLimit::Place> taken = LimitOf(0).TryTake();
    for (int i = 0; i < 3; ++i) {
      EXPECT_FALSE(Refusal().has_value());
      EXPECT_EQ(credential_, 1u);
    }
    const std::optional<GradientLimit::Place> other = LimitOf(1).TryTake();
    const std::optional<TargetRefusal> refusal = Refusal();
    ASSERT_TRUE(refusal.has_value());
    EXPECT_EQ(FaultReason(refusal->status), v1::ERROR_REASON_OVERLOADED);
    EXPECT_TRUE(RetryDelay(refusal->status).has_value());
    EXPECT_FALSE(refusal->has_last_resort);
    EXPECT_THAT(
        std::string(refusal->status.message()),
        HasSubstr("its credentials have as many attempts under way as "
                  "resilience.adaptive_concurrency lets now, which is 2"));
  }
  // A permit gives its place back.
  EXPECT_FALSE(Refusal().has_value());
  EXPECT_EQ(LimitOf(0).in_flight(), 0);
  EXPECT_EQ(LimitOf(1).in_flight(), 0);
}

TEST_F(TargetPermitTest, AProviderWithoutCredentialsHasALimitOfItsOwn) {
  Configure("retry: {attempts_limit: 1}",
            {.resilience = "adaptive_concurrency: {max_limit: 1}"});
  EXPECT_FALSE(Refusal().has_value());
  const std::optional<GradientLimit::Place> taken = LimitOf(0).TryTake();
  EXPECT_THAT(std::string(Refusal()->status.message()),
              HasSubstr("the provider has as many attempts under way"));
}

TEST_F(TargetPermitTest, OneThatCoolsIsTakenAsALastResortOnlyIfThereIsAPlace) {
  Configure("retry: {attempts_limit: 1}",
            {.resilience = "adaptive_concurrency: {max_limit: 1}"});
  Pool().Record(0, runner_.loop().Now(), absl::OkStatus(), absl::Seconds(9));
  EXPECT_FALSE(Refusal(TargetResort::kLast).has_value());
  const std::optional<GradientLimit::Place> taken = LimitOf(0).TryTake();
  EXPECT_EQ(FaultReason(Refusal(TargetResort::kLast)->status),
            v1::ERROR_REASON_OVERLOADED);
}

}  // namespace
}  // namespace gateway
