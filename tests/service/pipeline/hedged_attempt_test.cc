#include "service/pipeline/hedged_attempt.h"

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/pipeline/two_providers.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr v1::Attempt::Kind kFirst = v1::Attempt::KIND_FIRST;
constexpr v1::Attempt::Kind kHedge = v1::Attempt::KIND_HEDGE;

class HedgedAttemptTest : public TwoProviders {
 protected:
  HedgedAttemptTest() { Configure("hedging: {enabled: true, delay: 2s}"); }

  void ExpectKinds(v1::Attempt::Kind kind) {
    EXPECT_THAT(kinds_, ElementsAre(std::pair("first", kFirst),
                                    std::pair("second", kind)));
  }
};

TEST_F(HedgedAttemptTest, OneThatTakesLongIsHedgedAndTheFirstToAnswerWins) {
  for (const bool stream : {false, true}) {
    Configure("hedging: {enabled: true, delay: 2s}");
    first_->TakeTime(absl::Hours(1));
    first_->Answer("late");
    second_->TakeTime(absl::Seconds(1));
    second_->Answer("forty-two");
    EXPECT_TRUE(Ask(stream).ok());
    ExpectKinds(kHedge);
    EXPECT_EQ(answered_by_, "second");
    EXPECT_EQ(took_, absl::Seconds(3));
    EXPECT_THAT(began_, ElementsAre(absl::ZeroDuration(), absl::Seconds(2)));
    EXPECT_THAT(ends_, ElementsAre(v1::ERROR_REASON_CANCELLED,
                                   v1::ERROR_REASON_UNSPECIFIED));
    // Nobody is blamed.
    EXPECT_EQ(runtime_->resilience()
                  .targets.Find("first", "m")
                  .breaker.Read(time_.SteadyTime())
                  .failures,
              0);
  }
}

TEST_F(HedgedAttemptTest, OrTheOneThatWasAskedFirst) {
  for (const bool stream : {false, true}) {
    Configure("hedging: {enabled: true, delay: 2s}");
    first_->TakeTime(absl::Seconds(4));
    first_->Answer("forty-two");
    second_->TakeTime(absl::Hours(1));
    second_->Answer("late");
    EXPECT_TRUE(Ask(stream).ok());
    ExpectKinds(kHedge);
    EXPECT_EQ(answered_by_, "first");
    EXPECT_EQ(took_, absl::Seconds(4));
    EXPECT_EQ(ends_[1], v1::ERROR_REASON_CANCELLED);
  }
}

TEST_F(HedgedAttemptTest, OneThatIsInTimeIsNot) {
  first_->TakeTime(absl::Milliseconds(1999));
  first_->Answer("forty-two");
  second_->Answer("never");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(kinds_, SizeIs(1));
  first_->TakeTime(absl::Milliseconds(2001));
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(kinds_, SizeIs(2));
}

TEST_F(HedgedAttemptTest, WhereItIsOffNobodyIs) {
  Configure("hedging: {enabled: false, delay: 2s}");
  first_->TakeTime(absl::Minutes(1));
  first_->Answer("forty-two");
  second_->Answer("never");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(kinds_, SizeIs(1));
}

TEST_F(HedgedAttemptTest, AFailureOfEitherLeavesTheOther) {
  first_->TakeTime(absl::Seconds(3));
  first_->Fail(Down());
  second_->TakeTime(absl::Seconds(5));
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  ExpectKinds(kHedge);
  EXPECT_EQ(answered_by_, "second");
  EXPECT_EQ(took_, absl::Seconds(7));
  Configure("hedging: {enabled: true, delay: 2s}");
  first_->TakeTime(absl::Seconds(7));
  first_->Answer("forty-two");
  second_->TakeTime(absl::Seconds(1));
  second_->Fail(Down());
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(answered_by_, "first");
}

TEST_F(HedgedAttemptTest, WhereBothFailRetriesFollow) {
  first_->TakeTime(absl::Seconds(3));
  first_->Fail(Down());
  second_->TakeTime(absl::Seconds(3));
  second_->Fail(Down());
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_THAT(kinds_, SizeIs(3)) << "attempts_limit";
}

TEST_F(HedgedAttemptTest, WhoFailedLastSaysHowTheCallFails) {
  for (const bool stream : {false, true}) {
    for (const int second_takes : {1, 5}) {
      Configure(
          "hedging: {enabled: true, delay: 2s}, retry: {attempts_limit: 1}");
      first_->TakeTime(absl::Seconds(5));
      first_->Fail(Down());
      second_->TakeTime(absl::Seconds(second_takes));
      second_->Fail(
          MakeFault(v1::ERROR_REASON_PROVIDER_BAD_RESPONSE, "nonsense"));
      EXPECT_EQ(FaultReason(Ask(stream)),
                second_takes == 1 ? v1::ERROR_REASON_PROVIDER_UNAVAILABLE
                                  : v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
      ExpectKinds(kHedge);
    }
  }
}

TEST_F(HedgedAttemptTest, AHedgeNeedsAPlaceInTheBudget) {
  Configure(
      "hedging: {enabled: true, delay: 2s}, "
      "retry_budget: {minimum: 0, percent: 0}");
  first_->TakeTime(absl::Seconds(9));
  first_->Answer("forty-two");
  second_->Answer("never");
  EXPECT_TRUE(Ask().ok());
  EXPECT_THAT(kinds_, SizeIs(1));
}

TEST_F(HedgedAttemptTest, OneThatIsTooDearIsLeftForAFallback) {
  Configure("hedging: {enabled: true, delay: 2s, cost_limit_usd_nanos: 1}");
  first_->TakeTime(absl::Seconds(9));
  first_->Fail(Down());
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  ExpectKinds(v1::Attempt::KIND_FALLBACK);
  EXPECT_EQ(began_[1], absl::Seconds(9));
}

TEST_F(HedgedAttemptTest, OneThatCostsJustTheLimitIsNot) {
  // A dollar per million tokens: those of the prompt and 1000 of output.
  const auto hedges = [this](int64_t limit) {
    Configure(absl::StrCat(
        "hedging: {enabled: true, delay: 2s, cost_limit_usd_nanos: ", limit,
        "}"));
    first_->TakeTime(absl::Seconds(9));
    first_->Answer("forty-two");
    second_->Answer("forty-two");
    EXPECT_TRUE(Ask().ok());
    return kinds_.size() == 2;
  };
  int64_t limit = 1'000'000;
  while (!hedges(limit) && limit < 1'100'000) limit += 1'000;
  EXPECT_TRUE(hedges(limit));
  EXPECT_FALSE(hedges(limit - 1));
  EXPECT_LT(limit, 1'100'000);
}

TEST_F(HedgedAttemptTest, WithoutAnotherTargetNobodyIsAskedBeside) {
  first_->TakeTime(absl::Seconds(9));
  first_->Answer("forty-two");
  EXPECT_TRUE(Ask(false, /*both=*/false).ok());
  EXPECT_THAT(kinds_, SizeIs(1));
}

TEST_F(HedgedAttemptTest, ByDefaultOneIsHedgedThatTakesLongerThanUsual) {
  for (const bool stream : {false, true}) {
    Configure("hedging: {enabled: true}");
    second_->Answer("forty-two");
    first_->Answer("forty-two");
    first_->TakeTime(absl::Seconds(1));
    TargetState& target = runtime_->resilience().targets.Find("first", "m");
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE(Ask(stream).ok());
      EXPECT_THAT(kinds_, SizeIs(1)) << "nothing is known yet";
      // The pipeline does so as a stream is delivered.
      if (stream) target.latency.Record(time_.SteadyTime(), absl::Seconds(1));
    }
    Wait(absl::Seconds(1));  // What is known is told each second.
    first_->TakeTime(absl::Seconds(30));
    EXPECT_TRUE(Ask(stream).ok());
    ExpectKinds(kHedge);
    EXPECT_GE(began_[1], absl::Seconds(1));
    EXPECT_LE(began_[1], absl::Milliseconds(1130));
  }
}

TEST_F(HedgedAttemptTest, TheCallersEndEndsBoth) {
  first_->TakeTime(absl::Hours(1));
  first_->Answer("late");
  second_->TakeTime(absl::Hours(1));
  second_->Answer("late");
  deadline_ = absl::Seconds(5);
  EXPECT_EQ(FaultReason(Ask()), v1::ERROR_REASON_DEADLINE_EXCEEDED);
  EXPECT_EQ(took_, absl::Seconds(5));
  EXPECT_THAT(ends_, ElementsAre(v1::ERROR_REASON_DEADLINE_EXCEEDED,
                                 v1::ERROR_REASON_DEADLINE_EXCEEDED));
}

TEST_F(HedgedAttemptTest, WhoLeavesWhenItIsDueIsNotHedged) {
  for (const bool stream : {false, true}) {
    first_->TakeTime(absl::Hours(1));
    first_->Answer("late");
    second_->Answer("to nobody");
    leaves_after_ = absl::Seconds(2);
    EXPECT_EQ(FaultReason(Ask(stream)), v1::ERROR_REASON_CANCELLED);
    EXPECT_EQ(took_, absl::Seconds(2));
    EXPECT_THAT(kinds_, SizeIs(1));
  }
}

TEST_F(HedgedAttemptTest, WhatALoserHasReadIsEstimated) {
  v1::Message& message = *request_.add_messages();
  message.set_role(v1::ROLE_USER);
  message.add_parts()->set_text("What is six times seven?");
  first_->TakeTime(absl::Hours(1));
  first_->Answer("late");
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask().ok());
  EXPECT_GT(usages_[0].input_tokens(), 0);
  EXPECT_TRUE(usages_[0].estimated());
}

}  // namespace
}  // namespace gateway
