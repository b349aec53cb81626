// The loop over planned targets, without a socket, a process or real time.

#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/attempts.h"
#include "tests/service/pipeline/two_providers.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Before the limit of attempts.
constexpr char kBackOff[] =
    "retry: {backoff_base: 2s, backoff_limit: 8s, attempts_limit: ";

class AskTargetsTest : public TwoProviders {
 protected:
  AskTargetsTest() { Configure(absl::StrCat(kBackOff, 3, "}")); }
};

TEST_F(AskTargetsTest, TheFirstThatAnswersIsTheLastAsked) {
  first_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(second_->asked(), 0u);
  EXPECT_THAT(kinds_, ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST)));
}

TEST_F(AskTargetsTest, AfterAFailureAnotherTargetIsAskedAtOnce) {
  first_->TakeTime(absl::Seconds(5));
  first_->Fail(Down());
  second_->Answer("forty-two");
  for (const bool stream : {false, true}) {
    EXPECT_TRUE(Ask(stream).ok());
    EXPECT_THAT(kinds_,
                ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                            std::pair("second", v1::Attempt::KIND_FALLBACK)));
    EXPECT_THAT(began_, ElementsAre(absl::ZeroDuration(), absl::Seconds(5)));
  }
}

TEST_F(AskTargetsTest, WhereAllHaveFailedOneIsAskedAgainAfterItsBackOff) {
  first_->Fail(Down());
  first_->Answer("forty-two");
  second_->TakeTime(absl::Seconds(5));
  second_->Fail(Down());
  EXPECT_TRUE(Ask().ok());
  ASSERT_EQ(kinds_.size(), 3u);
  EXPECT_EQ(kinds_[2].second, v1::Attempt::KIND_RETRY);
  EXPECT_GT(began_[2], absl::Seconds(5));
  EXPECT_LE(began_[2], absl::Seconds(5 + 2));
}

TEST_F(AskTargetsTest, NoMoreAttemptsAreMadeThanTheLimitLets) {
  for (const int limit : {2, 3, 5}) {
    Configure(absl::StrCat(kBackOff, limit, "}"));
    first_->Fail(Down());
    second_->Fail(Down());
    EXPECT_FALSE(Ask().ok());
    EXPECT_EQ(kinds_.size(), static_cast<size_t>(limit));
  }
}

TEST_F(AskTargetsTest, ButEachTargetIsAskedOnce) {
  Configure(absl::StrCat(kBackOff, 1, "}"));
  first_->Fail(Down());
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                          std::pair("second", v1::Attempt::KIND_FALLBACK)));
}

TEST_F(AskTargetsTest, NobodyIsAskedAgainWhomTheDeadlineLeavesNoTimeFor) {
  // The first back-off is at most two seconds.
  for (const auto& [deadline, attempts] :
       {std::pair(absl::Milliseconds(9), 1u),
        std::pair(absl::Milliseconds(10), 2u),
        std::pair(absl::Seconds(9), 3u)}) {
    Configure(absl::StrCat(kBackOff, 3, "}"));
    deadline_ = deadline;
    first_->Fail(Down());
    second_->Fail(Down());
    EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
    EXPECT_EQ(kinds_.size(), attempts) << deadline;
  }
}

TEST_F(AskTargetsTest, AStreamThatHangsLeavesTimeForAnother) {
  first_->TakeTime(absl::Hours(1));
  first_->Answer("too late");
  second_->Answer("forty-two");
  deadline_ = absl::Seconds(20);
  EXPECT_TRUE(Ask(/*stream=*/true).ok());
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                          std::pair("second", v1::Attempt::KIND_FALLBACK)));
  EXPECT_THAT(began_, ElementsAre(absl::ZeroDuration(), absl::Seconds(10)));
}

TEST_F(AskTargetsTest, WhatTimedOutIsNotAskedAgain) {
  first_->TakeTime(absl::Hours(1));
  first_->Answer("too late");
  second_->TakeTime(absl::Hours(1));
  second_->Answer("too late");
  deadline_ = absl::Seconds(20);
  EXPECT_EQ(FaultReason(Ask(/*stream=*/true)),
            v1::ERROR_REASON_DEADLINE_EXCEEDED);
  EXPECT_EQ(kinds_.size(), 2u);
}

TEST_F(AskTargetsTest, WhatWouldFailAnywhereIsAskedOnce) {
  first_->Fail(MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "no"));
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(first_->asked(), 1u);
  EXPECT_EQ(second_->asked(), 0u);
}

TEST_F(AskTargetsTest,
       ARefusedCredentialIsNotShownAgainButAnotherProviderAsked) {
  first_->Fail(MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, "no"));
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                          std::pair("second", v1::Attempt::KIND_FALLBACK)));
}

TEST_F(AskTargetsTest, TheLastFailureIsTheCalls) {
  Configure(absl::StrCat(kBackOff, 2, "}"));
  first_->Fail(Down());
  second_->Fail(MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, "odd"));
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST_F(AskTargetsTest, WhatIsTooLongForAModelIsNotAskedOfItElsewhere) {
  first_->Fail(MakeFault(v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED, "too long"));
  second_->Answer("forty-two");
  // The same model elsewhere is no longer.
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
  EXPECT_EQ(second_->asked(), 0u);
}

TEST_F(AskTargetsTest, ATargetThatKeepsFailingRestsAndIsProbedAfterwards) {
  first_->Fail(Down());
  second_->Answer("forty-two");
  // The fifth failure opens its breaker.
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 5u);
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 5u);
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("second", v1::Attempt::KIND_FALLBACK)));
  Wait(absl::Seconds(30));
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 6u);
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("first", v1::Attempt::KIND_FIRST),
                          std::pair("second", v1::Attempt::KIND_FALLBACK)));
}

TEST_F(AskTargetsTest, WhereAllRestNobodyIsAsked) {
  first_->Fail(Down());
  second_->Fail(Down());
  while (first_->asked() + second_->asked() < 10) {
    EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  }
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CIRCUIT_OPEN);
  EXPECT_EQ(FaultMetadata(refused, "provider"), "first");
  EXPECT_LE(RetryDelay(refused).value(), absl::Seconds(30));
  EXPECT_THAT(kinds_, IsEmpty());
  EXPECT_EQ(first_->asked(), 5u);
  EXPECT_EQ(second_->asked(), 5u);
}

TEST_F(AskTargetsTest, OneThatIsDisabledIsPassedOver) {
  first_->Answer("not to be heard");
  second_->Answer("forty-two");
  Disable("first");
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(first_->asked(), 0u);
  EXPECT_THAT(kinds_,
              ElementsAre(std::pair("second", v1::Attempt::KIND_FALLBACK)));
}

TEST_F(AskTargetsTest, WhereAllAreDisabledTheCallSaysSo) {
  Disable("first");
  Disable("second");
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_MODEL_DISABLED);
  EXPECT_EQ(FaultMetadata(refused, "provider"), "first");
  EXPECT_EQ(FaultMetadata(refused, "model"), "m");
  EXPECT_EQ(RetryDelay(refused), std::nullopt);
  EXPECT_THAT(kinds_, IsEmpty());
}

TEST_F(AskTargetsTest, WhereOneRestsTheCallMayBeMadeAgain) {
  Disable("first");
  Target("second").breaker.Force(CircuitBreaker::State::kOpen,
                                 time_.SteadyTime());
  const absl::Status refused = Ask();
  EXPECT_EQ(FaultReason(refused), v1::ERROR_REASON_CIRCUIT_OPEN);
  EXPECT_EQ(RetryDelay(refused), absl::Seconds(30));
}

}  // namespace
}  // namespace gateway
