#include "service/resilience/circuit_breaker.h"

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using State = CircuitBreaker::State;

constexpr absl::Duration kMillisecond = absl::Milliseconds(1);

class CircuitBreakerTest : public testing::Test {
 protected:
  absl::Duration Now() { return clock_.SteadyTime(); }
  void Pass(absl::Duration time) { clock_.Advance(time); }

  std::optional<CircuitBreaker::Permit> Ask(CircuitBreaker& breaker) {
    return breaker.TryAcquire(Now());
  }
  // REQUIRES: it is admitted.
  void Fail(CircuitBreaker& breaker, int times = 1) {
    for (int i = 0; i < times; ++i) Ask(breaker)->Fail(Now());
  }
  void Succeed(CircuitBreaker& breaker, int times = 1) {
    for (int i = 0; i < times; ++i) Ask(breaker)->Succeed(Now());
  }
  State StateOf(const CircuitBreaker& breaker) {
    return breaker.Read(Now()).state;
  }

  FakeClock clock_;
};

// Opens after three failures in a row only.
constexpr CircuitBreaker::Options kThree = {.consecutive_failures = 3,
                                            .failure_percent = 0};

TEST_F(CircuitBreakerTest, TheThirdFailureOpensWhereThreeAreTooMany) {
  CircuitBreaker breaker(kThree);
  Fail(breaker, 2);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  Fail(breaker);
  EXPECT_EQ(StateOf(breaker), State::kOpen);
  // The fourth call goes nowhere.
  EXPECT_FALSE(Ask(breaker).has_value());
  EXPECT_FALSE(breaker.IsAskable(Now()));
}

TEST_F(CircuitBreakerTest, RecoversAfter60MsWhere50AreConfigured) {
  CircuitBreaker breaker({.consecutive_failures = 2,
                          .failure_percent = 0,
                          .open_duration = absl::Milliseconds(50)});
  Fail(breaker, 2);
  Pass(absl::Milliseconds(60));
  EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
  std::optional<CircuitBreaker::Permit> probe = Ask(breaker);
  ASSERT_TRUE(probe.has_value());
  EXPECT_TRUE(probe->is_probe());
  EXPECT_FALSE(Ask(breaker).has_value());
  probe->Succeed(Now());
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  EXPECT_TRUE(Ask(breaker).has_value());
}

TEST_F(CircuitBreakerTest, ByDefaultFiveInARowOpenFor30Seconds) {
  CircuitBreaker breaker({});
  Fail(breaker, 4);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  Fail(breaker);
  EXPECT_EQ(breaker.RetryAfter(Now()), absl::Seconds(30));
}

TEST_F(CircuitBreakerTest, ASuccessEndsARowOfFailures) {
  CircuitBreaker breaker(kThree);
  Fail(breaker, 2);
  Succeed(breaker);
  EXPECT_EQ(breaker.Read(Now()).consecutive_failures, 0);
  Fail(breaker, 2);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  Fail(breaker);
  EXPECT_EQ(StateOf(breaker), State::kOpen);
}

TEST_F(CircuitBreakerTest, RestsToTheNanosecond) {
  CircuitBreaker breaker(kThree);
  Fail(breaker, 3);
  EXPECT_EQ(breaker.RetryAfter(Now()), absl::Seconds(30));
  Pass(absl::Seconds(30) - kMillisecond);
  EXPECT_EQ(breaker.RetryAfter(Now()), kMillisecond);
  EXPECT_EQ(StateOf(breaker), State::kOpen);
  EXPECT_FALSE(Ask(breaker).has_value());
  Pass(kMillisecond - absl::Nanoseconds(1));
  EXPECT_FALSE(breaker.IsAskable(Now()));
  EXPECT_FALSE(Ask(breaker).has_value());
  Pass(absl::Nanoseconds(1));
  EXPECT_EQ(breaker.RetryAfter(Now()), absl::ZeroDuration());
  EXPECT_TRUE(breaker.IsAskable(Now()));
  EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
  EXPECT_TRUE(Ask(breaker).has_value());
}

TEST_F(CircuitBreakerTest, AProbeThatFailsOpensForTheWholeTimeAgain) {
  CircuitBreaker breaker(kThree);
  Fail(breaker, 3);
  Pass(absl::Seconds(35));
  std::optional<CircuitBreaker::Permit> probe = Ask(breaker);
  Pass(absl::Seconds(1));
  probe->Fail(Now());
  EXPECT_EQ(StateOf(breaker), State::kOpen);
  EXPECT_EQ(breaker.RetryAfter(Now()), absl::Seconds(30));
  EXPECT_EQ(breaker.Read(Now()).opened, 2);
}

TEST_F(CircuitBreakerTest, AProbeWhoseCallerVanishesGivesItsPlaceBack) {
  CircuitBreaker breaker(kThree);
  Fail(breaker, 3);
  Pass(absl::Seconds(30));
  for (int i = 0; i < 3; ++i) {
    std::optional<CircuitBreaker::Permit> probe = Ask(breaker);
    ASSERT_TRUE(probe.has_value());
    EXPECT_EQ(breaker.RetryAfter(Now()), CircuitBreaker::kProbeWait);
    EXPECT_FALSE(breaker.IsAskable(Now()));
    EXPECT_EQ(breaker.Read(Now()).probes_in_flight, 1);
  }
  EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
  EXPECT_EQ(breaker.Read(Now()).probes_in_flight, 0);
}

TEST_F(CircuitBreakerTest, APermitThatMovesIsGivenBackOnce) {
  CircuitBreaker breaker({.consecutive_failures = 1, .half_open_probes = 2});
  Fail(breaker);
  Pass(absl::Seconds(30));
  std::optional<CircuitBreaker::Permit> first = Ask(breaker);
  std::optional<CircuitBreaker::Permit> second = Ask(breaker);
  CircuitBreaker::Permit moved = std::move(*first);
  first.reset();
  EXPECT_EQ(breaker.Read(Now()).probes_in_flight, 2);
  moved.GiveBack();
  moved.GiveBack();
  moved.Fail(Now());
  EXPECT_EQ(breaker.Read(Now()).probes_in_flight, 1);
  moved = *std::move(second);
  EXPECT_EQ(breaker.Read(Now()).probes_in_flight, 1);
  EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
}

TEST_F(CircuitBreakerTest, ClosesOnceEnoughProbesHaveSucceeded) {
  CircuitBreaker breaker({.consecutive_failures = 1,
                          .half_open_probes = 2,
                          .half_open_successes = 3});
  Fail(breaker);
  Pass(absl::Seconds(30));
  std::optional<CircuitBreaker::Permit> a = Ask(breaker);
  std::optional<CircuitBreaker::Permit> b = Ask(breaker);
  EXPECT_FALSE(Ask(breaker).has_value());
  a->Succeed(Now());
  std::optional<CircuitBreaker::Permit> c = Ask(breaker);
  ASSERT_TRUE(c.has_value());
  EXPECT_FALSE(Ask(breaker).has_value());
  b->Succeed(Now());
  EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
  c->Succeed(Now());
  EXPECT_EQ(StateOf(breaker), State::kClosed);
}

TEST_F(CircuitBreakerTest, AnotherRecoveryCountsItsProbesAnew) {
  CircuitBreaker breaker({.consecutive_failures = 1, .half_open_successes = 2});
  Fail(breaker);
  Pass(absl::Seconds(30));
  Succeed(breaker);
  Fail(breaker);
  Pass(absl::Seconds(30));
  Succeed(breaker);
  EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
  Succeed(breaker);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
}

TEST_F(CircuitBreakerTest, WhatIsOfAnEarlierStateChangesNothing) {
  CircuitBreaker breaker(kThree);
  std::optional<CircuitBreaker::Permit> failing = Ask(breaker);
  std::optional<CircuitBreaker::Permit> well = Ask(breaker);
  std::optional<CircuitBreaker::Permit> gone = Ask(breaker);
  Fail(breaker, 3);
  Pass(absl::Seconds(30));
  std::optional<CircuitBreaker::Permit> probe = Ask(breaker);
  failing->Fail(Now());
  EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
  well->Succeed(Now());
  EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
  gone.reset();
  EXPECT_EQ(breaker.Read(Now()).probes_in_flight, 1);
  EXPECT_EQ(breaker.Read(Now()).consecutive_failures, 3);
  EXPECT_EQ(breaker.Read(Now()).failures, 4) << "though it is one";
  // A probe of one recovery gives nothing back to the next.
  breaker.Force(State::kOpen, Now());
  Pass(absl::Seconds(30));
  std::optional<CircuitBreaker::Permit> next = Ask(breaker);
  ASSERT_TRUE(next.has_value());
  probe.reset();
  EXPECT_FALSE(Ask(breaker).has_value());
}

TEST_F(CircuitBreakerTest, HalfOfTwentyCallsOpen) {
  constexpr CircuitBreaker::Options kByPercent = {.consecutive_failures = 0};
  CircuitBreaker few(kByPercent);
  Succeed(few, 9);
  Fail(few, 10);
  EXPECT_EQ(StateOf(few), State::kClosed) << "of 19 calls";
  CircuitBreaker enough(kByPercent);
  Succeed(enough, 10);
  Fail(enough, 9);
  EXPECT_EQ(StateOf(enough), State::kClosed);
  Fail(enough);
  EXPECT_EQ(StateOf(enough), State::kOpen) << "10 of 20 calls";
  CircuitBreaker less(kByPercent);
  Succeed(less, 11);
  Fail(less, 10);
  EXPECT_EQ(StateOf(less), State::kClosed) << "10 of 21 calls";
  Fail(less);
  EXPECT_EQ(StateOf(less), State::kOpen) << "11 of 22 calls";
}

TEST_F(CircuitBreakerTest, ASuccessNeverOpens) {
  CircuitBreaker breaker({.consecutive_failures = 0});
  Fail(breaker, 10);
  Succeed(breaker, 10);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  EXPECT_EQ(breaker.Read(Now()).window_calls, 20);
  Fail(breaker);
  EXPECT_EQ(StateOf(breaker), State::kOpen);
}

TEST_F(CircuitBreakerTest, WhatIsOlderThanTheWindowIsForgotten) {
  CircuitBreaker breaker({.consecutive_failures = 0});
  Fail(breaker, 19);
  Pass(absl::Seconds(29));
  EXPECT_EQ(breaker.Read(Now()).window_failures, 19);
  Pass(absl::Seconds(1));
  EXPECT_EQ(breaker.Read(Now()).window_failures, 0);
  Fail(breaker);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  EXPECT_EQ(breaker.Read(Now()).window_calls, 1);
}

TEST_F(CircuitBreakerTest, AClosedAgainOneHasAnEmptyWindow) {
  CircuitBreaker breaker({.consecutive_failures = 0,
                          .minimum_calls = 2,
                          .open_duration = kMillisecond});
  Fail(breaker, 2);
  Pass(kMillisecond);
  Succeed(breaker);
  ASSERT_EQ(StateOf(breaker), State::kClosed);
  EXPECT_EQ(breaker.Read(Now()).window_calls, 0);
  Fail(breaker);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
}

TEST_F(CircuitBreakerTest, WhatBlamesNobodyCountsForNothing) {
  CircuitBreaker breaker(kThree);
  const absl::Status kNobodys[] = {
      MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "429"),
      MakeFault(v1::ERROR_REASON_PROVIDER_AUTH_FAILED, "401"),
      MakeFault(v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, "402"),
      MakeFault(v1::ERROR_REASON_INVALID_REQUEST, "400"),
      MakeFault(v1::ERROR_REASON_CANCELLED, "the caller left"),
      MakeFault(v1::ERROR_REASON_DEADLINE_EXCEEDED, "too late"),
  };
  Fail(breaker, 2);
  for (const absl::Status& outcome : kNobodys) {
    for (int i = 0; i < 10; ++i) Ask(breaker)->Record(Now(), outcome);
  }
  EXPECT_EQ(breaker.Read(Now()).consecutive_failures, 2);
  EXPECT_EQ(breaker.Read(Now()).window_calls, 2);
  const absl::Status fault =
      MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "503");
  Ask(breaker)->Record(Now(), fault);
  EXPECT_EQ(StateOf(breaker), State::kOpen);
  Pass(absl::Seconds(30));
  for (const absl::Status& outcome : kNobodys) {
    Ask(breaker)->Record(Now(), outcome);
    EXPECT_EQ(StateOf(breaker), State::kHalfOpen);
  }
  Ask(breaker)->Record(Now(), absl::OkStatus());
  EXPECT_EQ(StateOf(breaker), State::kClosed);
}

TEST_F(CircuitBreakerTest, ATimeOutBlamesTheTargetWhoeverAbandonedIt) {
  CircuitBreaker breaker({.consecutive_failures = 2});
  const absl::Status fault =
      MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "too slow");
  Ask(breaker)->Record(Now(), fault, /*abandoned=*/true);
  Ask(breaker)->Record(Now(), fault, /*abandoned=*/false);
  EXPECT_EQ(StateOf(breaker), State::kOpen);
}

TEST_F(CircuitBreakerTest, ForcedOpenAdmitsNobodyUntilAReset) {
  CircuitBreaker breaker(kThree);
  std::optional<CircuitBreaker::Permit> before = Ask(breaker);
  breaker.Force(State::kForcedOpen, Now());
  before->Succeed(Now());
  Pass(absl::Hours(24));
  EXPECT_FALSE(Ask(breaker).has_value());
  EXPECT_FALSE(breaker.IsAskable(Now()));
  EXPECT_EQ(breaker.RetryAfter(Now()), std::nullopt);
  EXPECT_TRUE(breaker.Read(Now()).is_forced);
  breaker.Reset(Now());
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  EXPECT_FALSE(breaker.Read(Now()).is_forced);
  EXPECT_TRUE(Ask(breaker).has_value());
}

TEST_F(CircuitBreakerTest, MetricsOnlyCountsAndNeverOpens) {
  CircuitBreaker breaker({});
  breaker.Force(State::kMetricsOnly, Now());
  Fail(breaker, 100);
  Succeed(breaker, 20);
  const CircuitBreaker::Snapshot snapshot = breaker.Read(Now());
  EXPECT_EQ(snapshot.state, State::kMetricsOnly);
  EXPECT_EQ(snapshot.window_calls, 120);
  EXPECT_EQ(snapshot.window_failures, 100);
  EXPECT_EQ(snapshot.opened, 0);
}

TEST_F(CircuitBreakerTest, ADisabledOneAdmitsAllAndCountsNothing) {
  CircuitBreaker breaker({.enabled = false});
  Fail(breaker, 100);
  Succeed(breaker, 20);
  const CircuitBreaker::Snapshot snapshot = breaker.Read(Now());
  EXPECT_EQ(snapshot.state, State::kDisabled);
  EXPECT_EQ(snapshot.window_calls, 0);
  EXPECT_EQ(snapshot.failures, 0);
  breaker.Reset(Now());
  EXPECT_EQ(StateOf(breaker), State::kDisabled);
}

TEST_F(CircuitBreakerTest, AnOperatorMayOpenOrProbeIt) {
  CircuitBreaker breaker(kThree);
  breaker.Force(State::kOpen, Now());
  EXPECT_FALSE(breaker.Read(Now()).is_forced);
  Pass(absl::Seconds(30) - kMillisecond);
  EXPECT_FALSE(Ask(breaker).has_value());
  breaker.Force(State::kHalfOpen, Now());
  Succeed(breaker);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
}

TEST_F(CircuitBreakerTest, WhoForcesItTwiceDoesNotBeginItsTimeAnew) {
  CircuitBreaker breaker(kThree);
  breaker.Force(State::kForcedOpen, Now());
  const CircuitBreaker::Snapshot first = breaker.Read(Now());
  Pass(absl::Seconds(1));
  breaker.Force(State::kForcedOpen, Now());
  EXPECT_EQ(breaker.Read(Now()).since, first.since);
  EXPECT_EQ(breaker.generation(), first.generation);
}

TEST_F(CircuitBreakerTest, AnOpenOneTellsWhatOpenedIt) {
  CircuitBreaker breaker(kThree);
  Succeed(breaker);
  Fail(breaker, 3);
  const auto expect_told = [&](State state, int in_a_row) {
    const CircuitBreaker::Snapshot told = breaker.Read(Now());
    EXPECT_EQ(told.state, state);
    EXPECT_EQ(told.consecutive_failures, in_a_row);
    EXPECT_EQ(told.window_failures, in_a_row == 0 ? 0 : 3);
    EXPECT_EQ(told.window_calls, in_a_row == 0 ? 0 : 4);
  };
  expect_told(State::kOpen, 3);
  // Long after its window has passed.
  Pass(absl::Minutes(5));
  expect_told(State::kHalfOpen, 3);
  Fail(breaker);
  expect_told(State::kOpen, 4);
  Pass(absl::Seconds(30));
  std::optional<CircuitBreaker::Permit> probe = Ask(breaker);
  expect_told(State::kHalfOpen, 4);
  probe->Succeed(Now());
  expect_told(State::kClosed, 0);
  Fail(breaker, 2);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
}

TEST_F(CircuitBreakerTest, FailuresOfCallsThatBeganBeforeItOpenedAreFailures) {
  CircuitBreaker breaker(kThree);
  std::vector<CircuitBreaker::Permit> permits;
  for (int i = 0; i < 5; ++i) permits.push_back(*Ask(breaker));
  for (CircuitBreaker::Permit& permit : permits) permit.Fail(Now());
  const CircuitBreaker::Snapshot told = breaker.Read(Now());
  EXPECT_EQ(told.failures, 5);
  EXPECT_EQ(told.consecutive_failures, 3) << "of its time";
  EXPECT_EQ(told.opened, 1);
}

TEST_F(CircuitBreakerTest, NoFailureCountsWhileItIsOff) {
  CircuitBreaker breaker(kThree);
  CircuitBreaker::Permit before = *Ask(breaker);
  breaker.Force(State::kDisabled, Now());
  CircuitBreaker::Permit during = *Ask(breaker);
  before.Fail(Now());
  breaker.Reset(Now());
  during.Fail(Now());
  EXPECT_EQ(breaker.Read(Now()).failures, 0);
}

TEST_F(CircuitBreakerTest, AResetForgetsWhatWasCounted) {
  CircuitBreaker breaker({.consecutive_failures = 3, .minimum_calls = 3});
  Fail(breaker, 2);
  breaker.Reset(Now());
  EXPECT_EQ(breaker.Read(Now()).consecutive_failures, 0);
  EXPECT_EQ(breaker.Read(Now()).window_calls, 0);
  Fail(breaker, 2);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
}

TEST_F(CircuitBreakerTest, NewOptionsKeepWhatWasCounted) {
  CircuitBreaker breaker(kThree);
  Fail(breaker, 2);
  breaker.SetOptions({.consecutive_failures = 4, .failure_percent = 0}, Now());
  Fail(breaker);
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  Fail(breaker);
  ASSERT_EQ(StateOf(breaker), State::kOpen);
  Pass(absl::Seconds(10));
  breaker.SetOptions({.open_duration = absl::Seconds(11)}, Now());
  EXPECT_EQ(breaker.RetryAfter(Now()), absl::Seconds(1));
  breaker.SetOptions({.open_duration = absl::Seconds(9)}, Now());
  EXPECT_EQ(breaker.RetryAfter(Now()), absl::ZeroDuration());
}

TEST_F(CircuitBreakerTest, NewOptionsSwitchItOffAndOnButNotWhatIsForced) {
  CircuitBreaker breaker(kThree);
  Fail(breaker, 3);
  breaker.SetOptions({.enabled = false}, Now());
  EXPECT_EQ(StateOf(breaker), State::kDisabled);
  breaker.SetOptions({.enabled = false}, Now());
  breaker.SetOptions(kThree, Now());
  EXPECT_EQ(StateOf(breaker), State::kClosed);
  breaker.Force(State::kForcedOpen, Now());
  breaker.SetOptions({.enabled = false}, Now());
  EXPECT_EQ(StateOf(breaker), State::kForcedOpen);
  breaker.Reset(Now());
  EXPECT_EQ(StateOf(breaker), State::kDisabled);
  breaker.Force(State::kDisabled, Now());
  breaker.SetOptions(kThree, Now());
  EXPECT_EQ(StateOf(breaker), State::kDisabled);
}

TEST_F(CircuitBreakerTest, TheGenerationTellsThatTheStateHasChanged) {
  CircuitBreaker breaker(kThree);
  const uint64_t closed = breaker.generation();
  Fail(breaker, 2);
  Succeed(breaker);
  EXPECT_EQ(breaker.generation(), closed);
  Fail(breaker, 3);
  const uint64_t open = breaker.generation();
  EXPECT_GT(open, closed);
  EXPECT_EQ(breaker.Read(Now()).since, Now());
  Pass(absl::Seconds(40));
  EXPECT_EQ(breaker.Read(Now()).since, Now() - absl::Seconds(10));
  EXPECT_EQ(breaker.generation(), open);
  Succeed(breaker);
  EXPECT_EQ(breaker.generation(), open + 2);
}

TEST(CircuitStateNameTest, NamesAreThoseOfTheMetrics) {
  EXPECT_EQ(CircuitStateName(State::kClosed), "closed");
  EXPECT_EQ(CircuitStateName(State::kOpen), "open");
  EXPECT_EQ(CircuitStateName(State::kHalfOpen), "half_open");
  EXPECT_EQ(CircuitStateName(State::kForcedOpen), "forced_open");
  EXPECT_EQ(CircuitStateName(State::kMetricsOnly), "metrics_only");
  EXPECT_EQ(CircuitStateName(State::kDisabled), "disabled");
}

}  // namespace
}  // namespace gateway
