#include "service/pipeline/next_attempt.h"

#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/pipeline/two_providers.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kTwoKeys[] = "{api_key: 'env:B', name: other}";
constexpr char kThreeKeys[] =
    "{api_key: 'env:B', name: other}, {api_key: 'env:C', name: third}";

class NextAttemptTest : public TwoProviders {};

TEST_F(NextAttemptTest, ACredentialThatIsLimitedGivesWayAtOnce) {
  for (const bool stream : {false, true}) {
    Configure("retry: {attempts_limit: 1}", {.credentials = kTwoKeys});
    first_->Fail(Limited(absl::Seconds(7)));
    first_->Answer("forty-two");
    EXPECT_TRUE(Ask(stream).ok());
    EXPECT_THAT(credentials_, ElementsAre("default", "other"));
    EXPECT_THAT(kinds_,
                ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                            std::pair("first", v1::Attempt::KIND_RETRY)));
    EXPECT_EQ(took_, absl::ZeroDuration());
    // The other stands in until the time is over.
    for (const absl::Duration wait :
         {absl::ZeroDuration(), absl::Milliseconds(6999)}) {
      Wait(wait);
      for (int turn = 0; turn < 2; ++turn) {
        EXPECT_TRUE(Ask(stream).ok());
        EXPECT_THAT(credentials_, ElementsAre("other")) << wait;
      }
    }
    Wait(absl::Milliseconds(1));
    std::set<std::string> taken;
    for (int turn = 0; turn < 2; ++turn) {
      EXPECT_TRUE(Ask(stream).ok());
      taken.insert(credentials_.front());
    }
    EXPECT_THAT(taken, ElementsAre("default", "other"));
  }
}

TEST_F(NextAttemptTest, OneThatIsRefusedIsOut) {
  Configure("retry: {attempts_limit: 1}", {.credentials = kTwoKeys});
  first_->Fail(Refused());
  first_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(credentials_, ElementsAre("default", "other"));
  Wait(absl::Hours(100));
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(Ask().ok());
    EXPECT_THAT(credentials_, ElementsAre("other"));
  }
}

TEST_F(NextAttemptTest, OneThatMayNotHaveItGivesWayAndStaysIn) {
  absl::Status no_access = Refused();
  AddFaultMetadata(no_access, kRefusedKey, kAccess);
  Configure("retry: {attempts_limit: 1}", {.credentials = kThreeKeys});
  // One may, and for other calls all take their turns.
  first_->Fail(no_access);
  first_->Fail(no_access);
  first_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(std::set(credentials_.begin(), credentials_.end()).size(), 3u);
  std::set<std::string> taken;
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_TRUE(Ask().ok());
    ASSERT_THAT(credentials_, SizeIs(1));
    taken.insert(credentials_.front());
  }
  EXPECT_THAT(taken, SizeIs(3));
  // None may: each is asked once, and then another target.
  Configure("retry: {attempts_limit: 3}", {.credentials = kTwoKeys});
  for (int i = 0; i < 4; ++i) first_->Fail(no_access);
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(credentials_, SizeIs(3));
  EXPECT_EQ(answered_by_, "second");
  // Or the call ends by what the provider says.
  const absl::Status told = Ask(false, /*both=*/false);
  EXPECT_EQ(told.message(), "no such key");
  EXPECT_EQ(first_->asked(), 4u);
  EXPECT_FALSE(Target("first").availability.disabled());
}

TEST_F(NextAttemptTest, WhatTheModelWritesIsAskedForOnceMoreWithoutBlame) {
  absl::Status given_up = Down();
  AddFaultMetadata(given_up, kOutputFaultKey, "MALFORMED_FUNCTION_CALL");
  Configure("retry: {attempts_limit: 3}, circuit_breaker: "
            "{consecutive_failures: 3}");
  for (int i = 0; i < 8; ++i) first_->Fail(given_up);
  for (int call = 0; call < 4; ++call) {
    EXPECT_EQ(FaultReason(Ask(false, /*both=*/false)),
              v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_THAT(kinds_, SizeIs(2));
  }
  EXPECT_EQ(Target("first").availability.failures_in_a_row(), 0);
}

TEST_F(NextAttemptTest, WhatOneAccountsLimitIsTooSmallForGoesToAnother) {
  absl::Status large = MakeFault(v1::ERROR_REASON_REQUEST_TOO_LARGE, "429");
  AddFaultMetadata(large, kProviderCodeKey, "rate_limit_exceeded");
  first_->Fail(large);
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(answered_by_, "second");
  EXPECT_THAT(kinds_, SizeIs(2));
}

TEST_F(NextAttemptTest, WhereAllCoolAnotherTargetIsAsked) {
  Configure("retry: {attempts_limit: 1}", {.credentials = kThreeKeys});
  first_->Fail(Limited(absl::Seconds(7)));
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(credentials_, ElementsAre("default", "other", "third", ""));
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("second", v1::Attempt::KIND_FALLBACK)));
  EXPECT_EQ(first_->asked(), 3u);
}

TEST_F(NextAttemptTest, OrTheCallIsToldForHowLong) {
  Configure("retry: {attempts_limit: 1}", {.credentials = kTwoKeys});
  first_->Fail(Limited(absl::Seconds(7)));
  first_->Fail(Limited(absl::Seconds(3)));
  EXPECT_EQ(RetryDelay(Ask(false, /*both=*/false)), absl::Seconds(3));
  EXPECT_THAT(credentials_, SizeIs(2));
  Wait(absl::Seconds(1));
  const absl::Status refused = Ask(false, /*both=*/false);
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(refused, "provider"), "first");
  EXPECT_EQ(RetryDelay(refused), absl::Seconds(2)) << "the shortest wait";
  EXPECT_THAT(kinds_, IsEmpty());
}

TEST_F(NextAttemptTest, ALoneCredentialIsWaitedForAsARetryIs) {
  Configure("retry: {attempts_limit: 2}", {.credentials = kTwoKeys});
  first_->Fail(Limited(absl::Seconds(7)));
  first_->Fail(Limited());  // Five seconds, by default.
  first_->Answer("forty-two");
  EXPECT_TRUE(Ask(false, /*both=*/false).ok());
  EXPECT_THAT(credentials_, ElementsAre("default", "other", "other"));
  EXPECT_THAT(began_, ElementsAre(absl::ZeroDuration(), absl::ZeroDuration(),
                                  absl::Seconds(5)));
}

TEST_F(NextAttemptTest, ButNotForLongerThanRetryAfterLimitLets) {
  Configure("retry: {attempts_limit: 2, retry_after_limit: 4999ms}",
            {.credentials = kTwoKeys});
  first_->Fail(Limited());
  EXPECT_EQ(FaultReason(Ask(false, /*both=*/false)),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_THAT(credentials_, SizeIs(2));
}

TEST_F(NextAttemptTest, EachCredentialIsTakenOnceEvenIfItRecoversAtOnce) {
  Configure("retry: {attempts_limit: 1}", {.credentials = kThreeKeys});
  first_->TakeTime(absl::Milliseconds(2));
  first_->Fail(Limited(absl::Milliseconds(1)));
  EXPECT_FALSE(Ask(false, /*both=*/false).ok());
  EXPECT_LE(credentials_.size(), 3u);
}

TEST_F(NextAttemptTest, WhereAllAreOutOneIsTriedForWantOfAnotherTarget) {
  Configure("retry: {attempts_limit: 1}", {.credentials = kTwoKeys});
  first_->Fail(Refused());
  first_->Fail(Refused());
  first_->Fail(Refused());
  first_->Answer("forty-two");
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(answered_by_, "second");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 2u);
  // The provider's own words reach the caller.
  EXPECT_EQ(Ask(false, /*both=*/false).message(), "no such key");
  EXPECT_EQ(first_->asked(), 3u);
  EXPECT_TRUE(Ask(false, /*both=*/false).ok());
  // What has been taken is in again.
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(answered_by_, "first");
}

TEST_F(NextAttemptTest, WhatOnlyTheCallerCanMendIsTheEnd) {
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_INVALID_REQUEST, v1::ERROR_REASON_CONTENT_POLICY}) {
    Configure("retry: {attempts_limit: 3}");
    first_->Fail(Down());
    first_->Answer("never");
    second_->Fail(MakeFault(reason, "no"));
    EXPECT_EQ(FaultReason(Ask()), reason);
    EXPECT_THAT(kinds_,
                ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                            std::pair("second", v1::Attempt::KIND_FALLBACK)));
  }
}

TEST_F(NextAttemptTest, AProviderThatIsFullIsPassedOver) {
  Configure("retry: {attempts_limit: 1}",
            {.resilience = "concurrent_attempts_limit: 1"});
  first_->Answer("forty-two");
  second_->Answer("forty-two");
  ProviderLoad& load = *runtime_->resilience().providers.LoadOf("first");
  {
    const std::optional<ProviderPlace> taken = load.TryEnter(1);
    EXPECT_TRUE(Ask().ok());
    EXPECT_EQ(answered_by_, "second");
    const absl::Status full = Ask(false, /*both=*/false);
    EXPECT_EQ(FaultReason(full), v1::ERROR_REASON_OVERLOADED);
    EXPECT_TRUE(RetryDelay(full).has_value());
  }
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(answered_by_, "first");
  EXPECT_EQ(load.in_flight(), 0);
  EXPECT_EQ(runtime_->resilience()
                .targets.Find("first", "m")
                .breaker.Read(time_.SteadyTime())
                .failures,
            0);
}

TEST_F(NextAttemptTest, AProviderWhoseCredentialsAreFullIsPassedOver) {
  Configure("retry: {attempts_limit: 1}",
            {.resilience = "adaptive_concurrency: {max_limit: 1}"});
  first_->Answer("forty-two");
  second_->Answer("forty-two");
  GradientLimit& limit =
      runtime_->PolicyOf(*runtime_->providers().Find("first"))
          .credential_limits->Of(0);
  {
    const std::optional<GradientLimit::Place> taken = limit.TryTake();
    EXPECT_TRUE(Ask().ok());
    EXPECT_EQ(answered_by_, "second");
    EXPECT_EQ(FaultReason(Ask(false, /*both=*/false)),
              v1::ERROR_REASON_OVERLOADED);
  }
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(answered_by_, "first");
  EXPECT_TRUE(Ask(/*stream=*/true).ok());
  EXPECT_EQ(limit.in_flight(), 0);
}

TEST_F(NextAttemptTest, ALimitedAttemptTakesTheLimitOfItsCredentialBack) {
  Configure("retry: {attempts_limit: 1}",
            {.resilience = "adaptive_concurrency: {initial_limit: 10}"});
  first_->Fail(Limited());
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(runtime_->PolicyOf(*runtime_->providers().Find("first"))
                .credential_limits->Of(0)
                .limit(),
            9);
}

TEST_F(NextAttemptTest, AProviderMayHaveRetriesOfItsOwn) {
  Configure("retry: {attempts_limit: 3}",
            {.resilience = "retry: {attempts_limit: 1}"});
  first_->Fail(Down());
  EXPECT_FALSE(Ask(false, /*both=*/false).ok());
  EXPECT_EQ(first_->asked(), 1u);
  // But a call makes no more than all may.
  Configure("retry: {attempts_limit: 2}",
            {.resilience = "retry: {attempts_limit: 5}"});
  first_->Fail(Down());
  EXPECT_FALSE(Ask(false, /*both=*/false).ok());
  EXPECT_EQ(first_->asked(), 2u);
}

TEST_F(NextAttemptTest, WithoutAPlaceInTheBudgetNobodyIsAskedAgain) {
  Configure("retry_budget: {minimum: 0, percent: 0}",
            {.credentials = kTwoKeys});
  first_->Fail(Down());
  first_->Answer("never");
  EXPECT_FALSE(Ask(false, /*both=*/false).ok());
  EXPECT_EQ(first_->asked(), 1u);
  // Another credential needs none.
  Configure("retry_budget: {minimum: 0, percent: 0}",
            {.credentials = kTwoKeys});
  first_->Fail(Limited(absl::Seconds(7)));
  first_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(credentials_, ElementsAre("default", "other"));
}

TEST_F(NextAttemptTest, ATargetThatIsWellIsGoneOnToWithoutAPlaceInTheBudget) {
  for (const bool stream : {false, true}) {
    Configure("retry_budget: {minimum: 0, percent: 0}");
    first_->Fail(Down());
    second_->Answer("forty-two");
    EXPECT_TRUE(Ask(stream).ok());
    EXPECT_THAT(kinds_,
                ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                            std::pair("second", v1::Attempt::KIND_FALLBACK)));
    EXPECT_EQ(runtime_->resilience().retry_budget.Read().refused, 0);
  }
}

TEST_F(NextAttemptTest, OneThatFailsItselfTakesAPlace) {
  Configure(
      "retry: {attempts_limit: 1}, circuit_breaker: {mode: 'off'}, "
      "retry_budget: {minimum: 0, percent: 0}");
  first_->Fail(Down());
  second_->Fail(Down());
  // Two failures in a row may be chance.
  for (const size_t asked : {1u, 2u, 3u, 3u}) {
    EXPECT_FALSE(Ask().ok());
    EXPECT_EQ(second_->asked(), asked);
  }
  const RetryBudget::Snapshot budget =
      runtime_->resilience().retry_budget.Read();
  EXPECT_EQ(budget.refused_by_purpose[static_cast<size_t>(
                RetryBudget::Purpose::kFallback)],
            1);
  EXPECT_EQ(budget.refused, 1);
  // It is well again once anybody has had an answer.
  Target("second").RecordSuccess();
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
}

TEST_F(NextAttemptTest, AProviderWithoutCredentialsRestsAfterA429) {
  for (const bool stream : {false, true}) {
    Configure("retry: {attempts_limit: 1}");
    first_->Fail(Limited(absl::Seconds(7)));
    second_->Answer("forty-two");
    EXPECT_TRUE(Ask(stream).ok());
    EXPECT_THAT(kinds_, SizeIs(2));
    // Nobody asks it meanwhile, and who has nobody else hears for how long.
    for (const absl::Duration wait :
         {absl::ZeroDuration(), absl::Milliseconds(6999)}) {
      Wait(wait);
      EXPECT_TRUE(Ask(stream).ok());
      EXPECT_THAT(kinds_,
                  ElementsAre(std::pair("second", v1::Attempt::KIND_FALLBACK)));
      const absl::Status refused = Ask(stream, /*both=*/false);
      EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
      EXPECT_EQ(RetryDelay(refused), absl::Seconds(7) - wait);
      EXPECT_THAT(kinds_, IsEmpty());
    }
    EXPECT_EQ(first_->asked(), 1u);
    Wait(absl::Milliseconds(1));
    first_->Answer("forty-two");
    EXPECT_TRUE(Ask(stream).ok());
    EXPECT_EQ(answered_by_, "first");
  }
}

TEST_F(NextAttemptTest, ButIsNotOutAfterARefusal) {
  Configure("retry: {attempts_limit: 1}");
  first_->Fail(Refused());
  second_->Answer("forty-two");
  for (const size_t asked : {1u, 2u}) {
    EXPECT_TRUE(Ask().ok());
    EXPECT_EQ(first_->asked(), asked);
  }
}

TEST_F(NextAttemptTest, WhatPassesIsToldBeforeWhatAnOperatorHasForced) {
  const auto force = [this](const char* provider, CircuitBreaker::State state) {
    Target(provider).breaker.Force(state, runner_.loop().Now());
  };
  force("first", CircuitBreaker::State::kForcedOpen);
  const absl::Status forced = Ask(false, /*both=*/false);
  EXPECT_EQ(FaultReason(forced), v1::ERROR_REASON_CIRCUIT_OPEN);
  EXPECT_THAT(std::string(forced.message()),
              HasSubstr("an operator has forced its circuit open"));
  EXPECT_EQ(FaultMetadata(forced, "circuit"), "forced_open");
  EXPECT_EQ(RetryDelay(forced), std::nullopt);
  force("second", CircuitBreaker::State::kOpen);
  const absl::Status open = Ask();
  EXPECT_EQ(FaultMetadata(open, "provider"), "second");
  EXPECT_EQ(FaultMetadata(open, "circuit"), "open");
  EXPECT_EQ(RetryDelay(open), absl::Seconds(30));
}

}  // namespace
}  // namespace gateway
