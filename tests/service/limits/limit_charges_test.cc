#include "service/limits/limit_charges.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "service/limits/limit_rule.h"
#include "tests/service/limits/limited_calls.h"
#include "tests/service/limits/test_times.h"

namespace gateway {
namespace {

namespace config = ::llmgateway::config::v1;

using LimitChargesTest = LimitedCallsTest;

TEST_F(LimitChargesTest, TakesARequestTheEstimateAndAPlace) {
  const LimitRule& requests =
      Add(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 60)");
  const LimitRule& input =
      Add(R"(name: "in" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000)");
  const LimitRule& output =
      Add(R"(name: "out" unit: LIMIT_UNIT_OUTPUT_TOKENS limit: 1000)");
  const LimitRule& total =
      Add(R"(name: "total" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000)");
  const LimitRule& cost =
      Add(R"(name: "cost" unit: LIMIT_UNIT_COST limit_usd: "1")");
  const LimitRule& calls =
      Add(R"(name: "calls" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 5)");
  const auto charges = LetIn({.input_tokens = 100});
  ASSERT_NE(charges, nullptr);
  EXPECT_EQ(Left(requests), 59);
  EXPECT_EQ(Left(input), 900);
  EXPECT_EQ(Left(output), 999);
  EXPECT_EQ(Left(total), 900);
  EXPECT_EQ(Left(cost), 999'999'999);
  EXPECT_EQ(Calls(calls), 1);

  charges->Settle(
      {.input_tokens = 80, .output_tokens = 300, .cost_usd_nanos = 250'000'000},
      kNow);
  EXPECT_EQ(Left(requests), 59);
  EXPECT_EQ(Left(input), 920);
  EXPECT_EQ(Left(output), 700);
  EXPECT_EQ(Left(total), 620);
  EXPECT_EQ(Left(cost), 750'000'000);
  EXPECT_EQ(Calls(calls), 1) << "its answer is still being sent";
  charges->Settle({.input_tokens = 1}, kNow);
  EXPECT_EQ(Left(input), 920) << "once only";
}

TEST_F(LimitChargesTest, OneThatRefusesGivesBackWhatWasTakenOfTheOthers) {
  const LimitRule& requests =
      Add(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 60)");
  const LimitRule& calls =
      Add(R"(name: "calls" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 5)");
  const LimitRule& input =
      Add(R"(name: "in" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000)");
  const LimitRule& behind =
      Add(R"(name: "behind" unit: LIMIT_UNIT_REQUESTS limit: 60)");
  EXPECT_EQ(LetIn({.input_tokens = 2000}), nullptr);
  EXPECT_EQ(Left(requests), 60);
  EXPECT_EQ(Calls(calls), 0);
  EXPECT_EQ(Left(input), 1000);
  EXPECT_EQ(Left(behind), 60);
}

TEST_F(LimitChargesTest, HoweverACallEndsItsPlaceIsFree) {
  const LimitRule& calls =
      Add(R"(name: "calls" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 1)");
  auto charges = LetIn();
  EXPECT_EQ(LetIn(), nullptr);
  charges.reset();
  EXPECT_EQ(Calls(calls), 0);
  charges = LetIn();
  charges->Leave();
  EXPECT_EQ(Calls(calls), 0);
  const auto next = LetIn();
  EXPECT_NE(next, nullptr);
  charges.reset();
  EXPECT_EQ(Calls(calls), 1) << "given back once";
  next->Withdraw(kNow);
  EXPECT_EQ(Calls(calls), 0);
}

TEST_F(LimitChargesTest, WhatIsNeverSettledStaysAsItWasTaken) {
  const LimitRule& input =
      Add(R"(name: "in" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000)");
  LetIn({.input_tokens = 300}).reset();
  EXPECT_EQ(Left(input), 700);
}

TEST_F(LimitChargesTest, WhatWasNeverAskedForIsGivenBackWhole) {
  const LimitRule& requests =
      Add(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 60)");
  const LimitRule& input =
      Add(R"(name: "in" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000)");
  const auto charges = LetIn({.input_tokens = 300});
  charges->Withdraw(kNow);
  EXPECT_EQ(Left(requests), 60);
  EXPECT_EQ(Left(input), 1000);
  charges->Settle({.input_tokens = 300}, kNow);
  EXPECT_EQ(Left(input), 1000);
}

TEST_F(LimitChargesTest, AStreamIsChargedAsItGoes) {
  const LimitRule& output =
      Add(R"(name: "out" unit: LIMIT_UNIT_OUTPUT_TOKENS limit: 1000)");
  const LimitRule& total =
      Add(R"(name: "total" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000)");
  const LimitRule& input =
      Add(R"(name: "in" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000)");
  const auto charges = LetIn({.input_tokens = 100});
  charges->AddOutput(LimitCharges::kOutputStep - 1, kNow);
  EXPECT_EQ(Left(output), 999) << "a step at a time";
  charges->AddOutput(LimitCharges::kOutputStep, kNow);
  EXPECT_EQ(Left(output), 1000 - LimitCharges::kOutputStep);
  charges->AddOutput(800, kNow);
  EXPECT_EQ(Left(output), 200);
  EXPECT_EQ(Left(total), 100);
  EXPECT_EQ(Left(input), 900);
  // It goes on beyond the limit: that is a debt.
  charges->AddOutput(1600, kNow);
  EXPECT_EQ(Left(output), 0);
  EXPECT_EQ(LetIn(), nullptr);
  EXPECT_EQ(LetIn({}, kNow + absl::Seconds(30)), nullptr);
  EXPECT_NE(LetIn({}, kNow + absl::Seconds(48)), nullptr);
  charges->Settle({.input_tokens = 100, .output_tokens = 1000}, kNow);
  EXPECT_EQ(Left(output), 0);
  charges->AddOutput(5000, kNow);
  EXPECT_EQ(Left(output, kNow + absl::Minutes(1)), 999) << "it was settled";
}

TEST_F(LimitChargesTest, ALimitThatHasNothingLeftRefusesWhateverIsKnown) {
  Add(R"(name: "cost" unit: LIMIT_UNIT_COST limit_usd: "0.01")");
  LetIn()->Settle({.cost_usd_nanos = 500'000'000}, kNow);
  const absl::Status refusal = Refusal();
  EXPECT_EQ(FaultReason(refusal), v1::ERROR_REASON_RATE_LIMITED);
  // 50 times what comes back in a minute, but for the first of it.
  EXPECT_NEAR(absl::ToDoubleSeconds(*RetryDelay(refusal)), 49 * 60, 1);
}

TEST_F(LimitChargesTest, OneThatObservesRefusesNothingAndCounts) {
  const LimitRule& watched = Add(
      R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 2 mode: MODE_OBSERVE)");
  for (int i = 0; i < 5; ++i) EXPECT_NE(LetIn(), nullptr);
  EXPECT_EQ(watched.counters().observed, 3);
  EXPECT_EQ(watched.counters().refused, 0);
  // What it would not have let in was not taken.
  EXPECT_EQ(Left(watched, kNow + absl::Seconds(30)), 1);
  EXPECT_EQ(LetIn()->Fullest().requests, std::nullopt);
}

TEST_F(LimitChargesTest, TellsTheFullestLimitOfRequestsAndOfTokens) {
  Add(R"(name: "half" unit: LIMIT_UNIT_REQUESTS limit: 2)");
  Add(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 60)");
  Add(R"(name: "in" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000)");
  Add(R"(name: "total" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 500)");
  const auto charges = LetIn({.input_tokens = 100});
  std::optional<LimitStatus> status = charges->Fullest().requests;
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->rule->name(), "half");
  EXPECT_EQ(status->rule->limit(), 2);
  EXPECT_EQ(status->remaining, 1);
  EXPECT_EQ(status->reset, absl::Seconds(30));
  status = charges->Fullest().tokens;
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->rule->name(), "total");
  EXPECT_EQ(status->rule->limit(), 500);
  EXPECT_EQ(status->remaining, 400);
  EXPECT_EQ(status->reset, absl::Seconds(12));
  // As of what the call really was.
  charges->Settle({.input_tokens = 700}, kNow + absl::Seconds(6));
  status = charges->Fullest().tokens;
  EXPECT_EQ(status->rule->name(), "total");
  EXPECT_EQ(status->remaining, 0);
  EXPECT_EQ(status->reset, absl::Seconds(78));
}

TEST_F(LimitChargesTest, ARefusedCallTellsWhatIsLeftOfTheOthers) {
  Add(R"(name: "before" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000)");
  Add(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 1)");
  LetIn({.input_tokens = 100});
  auto charges = Asked({.input_tokens = 50});
  ASSERT_FALSE(TakenAtOnce(*charges, kNow));
  EXPECT_EQ(charges->Fullest().tokens->remaining, 900) << "given back";
  Add(R"(name: "behind" unit: LIMIT_UNIT_OUTPUT_TOKENS limit: 1000)");
  LetIn({}, kNow + absl::Minutes(1))
      ->AddOutput(600, kNow + absl::Minutes(1));
  charges = Asked({.input_tokens = 50});
  ASSERT_FALSE(TakenAtOnce(*charges, kNow + absl::Minutes(1)));
  EXPECT_LT(charges->Fullest().tokens->remaining, 401) << "not asked for";
}

TEST_F(LimitChargesTest, ARefusedCallTellsTheLimitThatRefused) {
  Add(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 1)");
  LetIn();
  auto charges = Asked();
  ASSERT_FALSE(TakenAtOnce(*charges, kNow));
  const std::optional<LimitStatus> status = charges->Fullest().requests;
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->remaining, 0);
  EXPECT_EQ(status->reset, absl::Minutes(1));
}

// A store that must ask somebody: it answers when the test says so.
class DistantStore : public CounterStore {
 public:
  bool Take(CounterRequest& request) override {
    EXPECT_EQ(asked, nullptr);
    asked = &request;
    return false;
  }
  void Correct(CounterTake& take, int64_t /*now*/, int64_t units) override {
    take.units = units;
    corrected.push_back(units);
  }
  void Leave(CounterTake& /*take*/) override { ++left; }

  void Answer(CounterTake::State state) {
    for (CounterTake& take : asked->takes) take.state = state;
    std::exchange(asked, nullptr)->waiting.resume();
  }

  CounterRequest* asked = nullptr;
  std::vector<int64_t> corrected;
  int left = 0;
};

class SharedLimitChargesTest : public LimitedCallsTest {
 protected:
  SharedLimitChargesTest() { shared_ = &distant_; }

  Task<void> Await(LimitCharges& charges) {
    const bool taken = co_await charges.Take(kNow);
    taken_ = taken;
  }

  DistantStore distant_;
  std::optional<bool> taken_;
};

TEST_F(SharedLimitChargesTest, LimitsThatAreSharedAreAskedTogetherAndAwaited) {
  const LimitRule& local = Add(
      R"(name: "l" unit: LIMIT_UNIT_REQUESTS limit: 9 sharing: SHARING_LOCAL)");
  Add(R"(name: "s" unit: LIMIT_UNIT_INPUT_TOKENS limit: 9
         sharing: SHARING_EXACT)");
  Add(R"(name: "c" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 9)");
  auto charges = Asked({.input_tokens = 7});
  Spawn(Await(*charges));
  EXPECT_EQ(taken_, std::nullopt);
  ASSERT_NE(distant_.asked, nullptr);
  ASSERT_EQ(distant_.asked->takes.size(), 2);
  EXPECT_EQ(distant_.asked->takes[0].units, 7);
  EXPECT_EQ(distant_.asked->now, absl::ToInt64Nanoseconds(kNow));
  EXPECT_EQ(Left(local), 8);
  distant_.Answer(CounterTake::State::kTaken);
  EXPECT_EQ(taken_, true);
  charges->Settle({.input_tokens = 3}, kNow);
  EXPECT_EQ(distant_.corrected, std::vector<int64_t>{3});
  charges.reset();
  EXPECT_EQ(distant_.left, 1);
}

TEST_F(SharedLimitChargesTest, OneThatRefusesElsewhereGivesBackWhatIsHere) {
  const LimitRule& local = Add(
      R"(name: "l" unit: LIMIT_UNIT_REQUESTS limit: 9 sharing: SHARING_LOCAL)");
  const LimitRule& calls = Add(
      R"(name: "c" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 9
         sharing: SHARING_LOCAL)");
  Add(R"(name: "s" unit: LIMIT_UNIT_REQUESTS limit: 9)");
  auto charges = Asked();
  Spawn(Await(*charges));
  EXPECT_EQ(Left(local), 8);
  EXPECT_EQ(Calls(calls), 1);
  distant_.Answer(CounterTake::State::kRefused);
  EXPECT_EQ(taken_, false);
  EXPECT_EQ(Left(local), 9);
  EXPECT_EQ(Calls(calls), 0);
  EXPECT_EQ(FaultMetadata(charges->Refusal(), "limit"), "s");
  charges.reset();
  EXPECT_EQ(distant_.left, 0) << "nothing was taken there";
}

TEST_F(SharedLimitChargesTest, OneThatRefusesHereSparesTheQuestion) {
  Add(R"(name: "l" unit: LIMIT_UNIT_INPUT_TOKENS limit: 9
         sharing: SHARING_LOCAL)");
  Add(R"(name: "s" unit: LIMIT_UNIT_REQUESTS limit: 9)");
  auto charges = Asked({.input_tokens = 10});
  Spawn(Await(*charges));
  EXPECT_EQ(taken_, false);
  EXPECT_EQ(distant_.asked, nullptr);
}

}  // namespace
}  // namespace gateway
