#include "service/limits/counter_store.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/limits/limit_rule.h"
#include "tests/service/limits/limit_config.h"
#include "tests/service/limits/test_times.h"

namespace gateway {
namespace {

using State = CounterTake::State;

class LocalCounterStoreTest : public testing::Test {
 protected:
  CounterTake TakeOf(const LimitRule& rule, int64_t units = 1) {
    return {.rule = &rule, .key = rule.KeyOf(subject_), .units = units};
  }
  CounterRequest Request(int64_t now = kNowNanos) {
    CounterRequest request;
    request.subject = &subject_;
    request.now = now;
    return request;
  }

  LimitSubject subject_{kTestSecret};
  LocalCounterStore store_;
  const LimitRule requests_{
      Limit(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 2)"), kTestSecret};
  const LimitRule tokens_{
      Limit(R"(name: "tpm" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 60)"),
      kTestSecret};
  const LimitRule calls_{
      Limit(R"(name: "calls" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 1)"),
      kTestSecret};
};

TEST_F(LocalCounterStoreTest, SaysOfEachWhatItTook) {
  CounterRequest request = Request();
  request.takes.push_back(TakeOf(requests_));
  request.takes.push_back(TakeOf(calls_));
  EXPECT_TRUE(store_.Take(request)) << "at once";
  EXPECT_TRUE(request.taken());
  EXPECT_EQ(request.takes[0].state, State::kTaken);
  EXPECT_EQ(request.takes[0].number, kNowNanos + 30 * kSecond);
  EXPECT_EQ(request.takes[1].state, State::kTaken);
  EXPECT_EQ(request.takes[1].number, 1);
  store_.Leave(request.takes[1]);
  EXPECT_EQ(calls_.counters().calls->Read(calls_.KeyOf(subject_)), 0);
}

TEST_F(LocalCounterStoreTest, OfThoseThatRefuseEachSaysHowLong) {
  CounterRequest first = Request();
  first.takes.push_back(TakeOf(requests_, 2));
  first.takes.push_back(TakeOf(tokens_, 60));
  store_.Take(first);
  ASSERT_TRUE(first.taken());
  CounterRequest second = Request();
  second.takes.push_back(TakeOf(calls_));
  second.takes.push_back(TakeOf(requests_));
  second.takes.push_back(TakeOf(tokens_, 50));
  EXPECT_TRUE(store_.Take(second));
  EXPECT_FALSE(second.taken());
  EXPECT_EQ(second.takes[0].state, State::kAsked) << "given back";
  EXPECT_FALSE(second.takes[0].place.taken());
  EXPECT_EQ(second.takes[1].state, State::kRefused);
  EXPECT_EQ(second.takes[1].wait, 30 * kSecond);
  EXPECT_EQ(second.takes[2].state, State::kRefused);
  EXPECT_EQ(second.takes[2].wait, 50 * kSecond);
  EXPECT_EQ(requests_.counters().refused, 1);
  EXPECT_EQ(tokens_.counters().refused, 1);
  EXPECT_EQ(calls_.counters().refused, 0);
}

TEST_F(LocalCounterStoreTest, CorrectsWhatWasTaken) {
  CounterRequest request = Request();
  request.takes.push_back(TakeOf(tokens_, 10));
  store_.Take(request);
  store_.Correct(request.takes[0], kNowNanos, 25);
  EXPECT_EQ(request.takes[0].units, 25);
  EXPECT_EQ(request.takes[0].number, kNowNanos + 25 * kSecond);
  store_.Correct(request.takes[0], kNowNanos + 5 * kSecond, 0);
  EXPECT_EQ(request.takes[0].number, kNowNanos);
}

}  // namespace
}  // namespace gateway
