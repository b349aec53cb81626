#include "service/pipeline/live_attempt.h"

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

class LiveAttemptTest : public TwoProviders {};

TEST_F(LiveAttemptTest, AStreamHasSoLongToItsFirstContent) {
  for (const auto& [takes, ok] : {std::pair(absl::Milliseconds(2999), true),
                                  std::pair(absl::Milliseconds(3001), false)}) {
    Configure("retry: {attempts_limit: 1}", {.timeouts = "first_content: 3s"});
    first_->TakeTime(takes);
    first_->Answer("forty-two");
    const absl::Status outcome = Ask(/*stream=*/true, /*both=*/false);
    EXPECT_EQ(outcome.ok(), ok) << takes;
    if (ok) continue;
    EXPECT_EQ(FaultReason(outcome), v1::ERROR_REASON_PROVIDER_TIMEOUT);
    EXPECT_EQ(FaultMetadata(outcome, "provider"), "first");
    EXPECT_THAT(std::string(outcome.message()), HasSubstr("no content"));
    EXPECT_EQ(took_, absl::Seconds(3));
  }
}

TEST_F(LiveAttemptTest, AWholeAnswerHasNoFirstContent) {
  Configure("retry: {attempts_limit: 1}", {.timeouts = "first_content: 3s"});
  first_->TakeTime(absl::Seconds(30));
  first_->Answer("forty-two");
  deadline_ = absl::Seconds(31);
  EXPECT_TRUE(Ask().ok());
}

TEST_F(LiveAttemptTest, WhatHangsIsBlamedAndAnotherAsked) {
  Configure("retry: {attempts_limit: 3}", {.timeouts = "first_content: 3s"});
  first_->TakeTime(absl::Hours(1));
  first_->Answer("too late");
  second_->Answer("forty-two");
  EXPECT_TRUE(Ask(/*stream=*/true).ok());
  EXPECT_THAT(began_, ElementsAre(absl::ZeroDuration(), absl::Seconds(3)));
  EXPECT_THAT(ends_, ElementsAre(v1::ERROR_REASON_PROVIDER_TIMEOUT,
                                 v1::ERROR_REASON_UNSPECIFIED));
  EXPECT_EQ(runtime_->resilience()
                .targets.Find("first", "m")
                .breaker.Read(time_.SteadyTime())
                .failures,
            1);
}

TEST_F(LiveAttemptTest, TheLastAttemptHasAllTheTimeThereIs) {
  first_->TakeTime(absl::Hours(1));
  first_->Answer("too late");
  second_->TakeTime(absl::Seconds(9));
  second_->Answer("forty-two");
  deadline_ = absl::Seconds(20);
  EXPECT_TRUE(Ask(/*stream=*/true).ok());
  EXPECT_EQ(took_, absl::Seconds(19));
}

TEST_F(LiveAttemptTest, WhoIsCutShortIsNotBlamed) {
  first_->Answer("too late");
  second_->Answer("forty-two");
  deadline_ = absl::Seconds(8);
  const auto failures = [&] {
    return Target("first").breaker.Read(time_.SteadyTime()).failures;
  };
  const auto expect_cut = [&](int64_t failures_after) {
    first_->TakeTime(absl::Hours(1));
    EXPECT_TRUE(Ask(/*stream=*/true).ok());
    EXPECT_THAT(began_, ElementsAre(absl::ZeroDuration(), absl::Seconds(4)));
    EXPECT_EQ(failures(), failures_after);
  };
  expect_cut(0);  // Nobody knows how long it takes.
  const auto takes = [&](absl::Duration latency) {
    for (int i = 0; i < 20; ++i) {
      Target("first").latency.Record(time_.SteadyTime(), latency);
    }
    Wait(absl::Seconds(1));  // What is known is told each second.
  };
  takes(absl::Seconds(5));
  expect_cut(0);
  EXPECT_EQ(Target("first").availability.failures_in_a_row(), 0);
  Wait(absl::Minutes(2));
  takes(absl::Seconds(3));
  expect_cut(1);
}

TEST_F(LiveAttemptTest, NothingIsSharedWithWhoMayNotBeAsked) {
  const auto expect_waits = [&] {
    first_->TakeTime(absl::Seconds(7));
    first_->Answer("late, but in time");
    second_->Answer("never");
    deadline_ = absl::Seconds(8);
    EXPECT_TRUE(Ask(/*stream=*/true).ok());
    EXPECT_EQ(answered_by_, "first");
    EXPECT_EQ(took_, absl::Seconds(7));
  };
  Disable("second");
  expect_waits();
  Configure("retry: {attempts_limit: 3}");
  Target("second").breaker.Force(CircuitBreaker::State::kForcedOpen,
                                 time_.SteadyTime());
  expect_waits();
  Configure("retry: {attempts_limit: 3}");
  Target("second").breaker.Force(CircuitBreaker::State::kOpen,
                                 time_.SteadyTime());
  expect_waits();
  Configure("retry: {attempts_limit: 3}");
  for (int i = 0; i < 3; ++i) Target("second").RecordFailure();
  expect_waits();
}

TEST_F(LiveAttemptTest, WhoHasNobodyToShareWithKeepsToItsOwnLimits) {
  Configure("retry: {attempts_limit: 2}", {.timeouts = "first_content: 6s"});
  Disable("second");
  first_->TakeTime(absl::Hours(1));
  first_->Answer("too late");
  deadline_ = absl::Seconds(8);
  EXPECT_EQ(FaultReason(Ask(/*stream=*/true)),
            v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(took_, absl::Seconds(6));
  EXPECT_EQ(Target("first").availability.failures_in_a_row(), 1);
}

TEST_F(LiveAttemptTest, WithoutADeadlineNothingIsShared) {
  first_->TakeTime(absl::Hours(1));
  first_->Answer("late, but in time");
  EXPECT_TRUE(Ask(/*stream=*/true).ok());
  EXPECT_EQ(answered_by_, "first");
}

}  // namespace
}  // namespace gateway
