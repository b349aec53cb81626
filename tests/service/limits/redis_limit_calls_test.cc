#include "service/limits/redis_limit_calls.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "service/limits/redis_limit_functions.h"
#include "tests/service/limits/shared_replicas.h"
#include "tests/service/limits/test_times.h"
#include "tests/testing/redis_server.h"

namespace gateway {
namespace {

using State = RedisTaken::State;

SharedCounterName Name(char letter) {
  SharedCounterName name;
  name.fill(letter);
  return name;
}

RedisTake Rate(char letter, int64_t tolerance, int64_t interval) {
  RedisTake take;
  take.name = Name(letter);
  take.tolerance = tolerance;
  take.interval = interval;
  return take;
}

RedisTake Calls(char letter, int64_t limit, int64_t calls, int64_t sequence) {
  RedisTake take;
  take.name = Name(letter);
  take.counts_calls = true;
  take.limit = limit;
  take.calls = take.calls_wanted = calls;
  take.sequence = sequence;
  return take;
}

class RedisLimitCallsTest : public testing::Test {
 protected:
  RedisLimitCallsTest() : two_(server_.port()) { two_.test = &server_; }

  RedisServer server_;
  SharedReplicas two_;
};

const RedisLimitCalls& Redis() {
  static const auto& redis =
      *new RedisLimitCalls({.prefix = "test:", .replica = "me"});
  return redis;
}

TEST_F(RedisLimitCallsTest, TakesOfAllOrOfNone) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    std::vector<RedisTake> takes(1, Rate('a', 100 * kSecond, 60 * kSecond));
    takes.push_back(Rate('b', 100 * kSecond, 30 * kSecond));
    const auto first = co_await Redis().Take(*two.clients[0], takes);
    EXPECT_EQ(first[0]->state, State::kTaken);
    EXPECT_EQ(first[0]->number, 60 * kSecond);
    EXPECT_EQ(first[1]->number, 30 * kSecond);
    const auto second = co_await Redis().Take(*two.clients[0], takes);
    EXPECT_EQ(second[0]->state, State::kRefused);
    EXPECT_NEAR(static_cast<double>(second[0]->rest), 20.0 * kSecond, kSecond);
    EXPECT_EQ(second[1]->state, State::kConforms);
    EXPECT_LE(second[1]->number, 30 * kSecond);
    // One that observes refuses nothing, and takes nothing itself.
    takes[0].observes = true;
    const auto third = co_await Redis().Take(*two.clients[0], takes);
    EXPECT_EQ(third[0]->state, State::kObserved);
    EXPECT_EQ(third[1]->state, State::kTaken);
  });
}

TEST_F(RedisLimitCallsTest, TheWholeBurstAndNotANanosecondMore) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    const int64_t longest = kRedisLongest;
    std::vector<RedisTake> takes(1, Rate('a', longest, longest));
    const auto all = co_await Redis().Take(*two.clients[0], takes);
    EXPECT_EQ(all[0]->state, State::kTaken);
    takes[0] = Rate('b', longest - 1, longest);
    const auto more = co_await Redis().Take(*two.clients[0], takes);
    EXPECT_EQ(more[0]->state, State::kRefused);
    EXPECT_EQ(more[0]->rest, 1);
  });
}

TEST_F(RedisLimitCallsTest, ALeaseIsTheLargestPartThatConforms) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisLeaseAsk ask;
    ask.name = Name('a');
    ask.tolerance = 100 * kSecond;
    ask.charge = 70 * kSecond;
    for (const int64_t part : {64, 32, 16}) ask.parts.push_back(part * kSecond);
    const auto leased = co_await Redis().Lease(*two.clients[0], ask);
    EXPECT_TRUE(leased.ok()) << leased.status();
    EXPECT_EQ(leased->part, 3u);
    EXPECT_EQ(leased->ahead, 86 * kSecond);
    ask.charge = 0;
    const auto none = co_await Redis().Lease(*two.clients[0], ask);
    EXPECT_EQ(none->part, 0u);
    EXPECT_NEAR(static_cast<double>(none->wait), 2.0 * kSecond, kSecond);
    // What is given back is there for the next, at most all of it.
    ask.charge = -500 * kSecond;
    const auto back = co_await Redis().Lease(*two.clients[0], ask);
    EXPECT_EQ(back->part, 1u);
    EXPECT_EQ(back->ahead, 64 * kSecond);
  });
}

TEST_F(RedisLimitCallsTest, WhatIsKnownCountsWhereThereIsNoCounter) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisLeaseAsk ask;
    ask.name = Name('a');
    ask.known_ahead = 50 * kSecond;
    const auto lost = co_await Redis().Lease(*two.clients[0], ask);
    EXPECT_EQ(lost->ahead, 50 * kSecond);
    ask.known_ahead = 90 * kSecond;
    const auto there = co_await Redis().Lease(*two.clients[0], ask);
    EXPECT_LE(there->ahead, 50 * kSecond);
    EXPECT_GT(there->ahead, 40 * kSecond);
  });
}

TEST_F(RedisLimitCallsTest, CountersGoWhenAllHasComeBack) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    std::vector<RedisTake> takes(1, Rate('a', 100 * kSecond, 60 * kSecond));
    (void)co_await Redis().Take(*two.clients[0], takes);
    const std::string key = server.Ask({"KEYS", "test:limit:*"});
    const int ttl = std::stoi(server.Ask({"TTL", key}));
    EXPECT_GE(ttl, 59);
    EXPECT_LE(ttl, 62);
  });
}

TEST_F(RedisLimitCallsTest, AMessageThatComesLateChangesNothing) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    std::vector<RedisTake> takes(1, Calls('c', 5, 3, /*sequence=*/8));
    const auto newer = co_await Redis().Take(*two.clients[0], takes);
    EXPECT_EQ(newer[0]->state, State::kTaken);
    EXPECT_EQ(newer[0]->rest, 3);
    takes[0] = Calls('c', 5, 2, /*sequence=*/7);
    const auto older = co_await Redis().Take(*two.clients[0], takes);
    EXPECT_EQ(older[0]->state, State::kTaken);
    EXPECT_EQ(older[0]->number, 3);
    const absl::StatusOr<int64_t> late =
        co_await Redis().TellCalls(*two.clients[0], Name('c'), 0, 6);
    EXPECT_TRUE(late.ok()) << late.status();
    const std::string key = server.Ask({"KEYS", "test:limit:*"});
    EXPECT_EQ(server.Ask({"HGET", key, "me"}).substr(0, 4), "8:3:");
    takes[0] = Calls('c', 5, 6, /*sequence=*/9);
    const auto beyond = co_await Redis().Take(*two.clients[0], takes);
    EXPECT_EQ(beyond[0]->state, State::kRefused);
    const absl::StatusOr<int64_t> ended =
        co_await Redis().TellCalls(*two.clients[0], Name('c'), 0, 10);
    EXPECT_TRUE(ended.ok()) << ended.status();
    EXPECT_EQ(server.Ask({"EXISTS", key}), "0");
    server.Ask({"HSET", key, "others", "7:4:99999999999999"});
    const absl::StatusOr<int64_t> others =
        co_await Redis().TellCalls(*two.clients[0], Name('c'), 2, 11);
    EXPECT_TRUE(others.ok()) << others.status();
    EXPECT_EQ(*others, 4);
  });
}

TEST_F(RedisLimitCallsTest, AFlushOfFunctionsIsNoticedByNobody) {
  two_.Run([](SharedReplicas& two) -> Task<void> {
    RedisServer& server = *static_cast<RedisServer*>(two.test);
    std::vector<RedisTake> takes(1, Rate('a', 100 * kSecond, kSecond));
    for (int i = 0; i < 3; ++i) {
      const auto taken = co_await Redis().Take(*two.clients[0], takes);
      EXPECT_TRUE(taken[0].ok()) << taken[0].status();
      server.Ask({"FUNCTION", "FLUSH"});
    }
  });
}

}  // namespace
}  // namespace gateway
