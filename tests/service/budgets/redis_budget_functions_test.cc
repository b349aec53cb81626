#include "service/budgets/redis_budget_functions.h"

#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "tests/service/budgets/budget_config.h"
#include "tests/service/budgets/sharing_redis.h"

namespace gateway {
namespace {

using Outcome = BudgetReply::Outcome;

BudgetTelling Spent(int64_t tokens, const std::string& budget = "b") {
  return {.scope = {.budget = budget, .window = "hour"},
          .start = kNoon - 1800,
          .spend = BudgetSpend::From(kNoon - 1800, kNoon,
                                     {.input_tokens = tokens}, {})};
}

BudgetTelling Allocated(int64_t limit, int64_t version) {
  return {.scope = {.budget = "b", .window = "hour"},
          .allocation = BudgetAllocation{.limit = limit, .version = version}};
}

class RedisBudgetExchangeTest : public testing::Test {
 protected:
  SharingRedis redis_;
};

const RedisBudgetExchange& Exchange() {
  static const auto& exchange =
      *new RedisBudgetExchange({.prefix = "test:"});
  return exchange;
}

// The time is Redis's own: what is told does not expire meanwhile.
int64_t SecondNow() {
  return absl::ToUnixSeconds(SystemClock().WallTime());
}

Task<BudgetReply> SayAt(int64_t now, RedisClient& client, std::string replica,
                        BudgetMessage message) {
  const absl::StatusOr<BudgetReply> reply =
      co_await Exchange().Call(client, replica, message, now, 3600);
  EXPECT_TRUE(reply.ok()) << reply.status();
  co_return reply.ok() ? *reply : BudgetReply();
}

Task<BudgetReply> Say(RedisClient& client, std::string replica,
                      BudgetMessage message) {
  co_return co_await SayAt(SecondNow(), client, std::move(replica),
                           std::move(message));
}

// What is told of the present, so that it is kept.
BudgetTelling Fresh(BudgetTelling telling) {
  telling.scope.window = "";
  telling.start = 0;
  return telling;
}

Task<int64_t> Join(RedisClient& client, std::string replica) {
  const BudgetReply reply =
      co_await Say(client, std::move(replica), BudgetMessage());
  EXPECT_EQ(reply.outcome, Outcome::kTaken);
  co_return reply.incarnation;
}

TEST_F(RedisBudgetExchangeTest, WhatOneTellsTheOtherReads) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    const int64_t other = co_await Join(client, "other");
    BudgetMessage told = {.incarnation = one, .sequence = 1};
    told.tellings.push_back(Fresh(Spent(5, "a")));
    told.tellings.push_back(Fresh(Spent(7, "b")));
    const BudgetReply first = co_await Say(client, "one", told);
    EXPECT_EQ(first.latest, 2);
    EXPECT_EQ(first.news.size(), 2u);
    told = {.incarnation = other, .sequence = 1};
    told.tellings.push_back(Fresh(Spent(9, "b")));
    const BudgetReply reply = co_await Say(client, "other", told);
    EXPECT_EQ(reply.replicas.size(), 2u);
    EXPECT_EQ(reply.news.size(), 2u);
    // What was told stands first, with the lines of both.
    if (reply.news.size() != 2) co_return;
    EXPECT_EQ(reply.news[0].scope.budget, "b");
    EXPECT_EQ(reply.news[0].lines.size(), 2u);
    EXPECT_EQ(reply.news[1].lines.size(), 1u);
    // Only what is new.
    told = {.incarnation = one, .sequence = 2, .since = first.read};
    const BudgetReply next = co_await Say(client, "one", told);
    EXPECT_EQ(next.news.size(), 1u);
    EXPECT_EQ(next.last_sequence, 1);
    EXPECT_EQ(next.read, 3);
  });
}

TEST_F(RedisBudgetExchangeTest, WhoHasToldAllAndWhenIsKnown) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    const int64_t other = co_await Join(client, "other");
    BudgetMessage told = {.incarnation = one, .sequence = 1};
    BudgetReply reply = co_await Say(client, "one", told);
    const auto told_all = [&reply](const char* replica) {
      for (const BudgetReply::Seen& seen : reply.replicas) {
        if (seen.replica == replica) return seen.told_all;
      }
      return absl::InfiniteDuration();
    };
    EXPECT_EQ(told_all("one"), absl::ZeroDuration());
    told = {.incarnation = one, .sequence = 2, .tells_all = true};
    reply = co_await Say(client, "one", told);
    const absl::Duration time = reply.time;
    EXPECT_GT(time, absl::ZeroDuration());
    EXPECT_EQ(told_all("one"), time);
    // It stands until it tells all again, for others too.
    told = {.incarnation = one, .sequence = 3};
    reply = co_await Say(client, "one", told);
    EXPECT_EQ(told_all("one"), time);
    told = {.incarnation = other, .sequence = 1};
    reply = co_await Say(client, "other", told);
    EXPECT_EQ(told_all("one"), time);
    EXPECT_EQ(told_all("other"), absl::ZeroDuration());
    // A process that begins has told nothing.
    EXPECT_GT(co_await Join(client, "one"), one);
    told.sequence = 2;
    reply = co_await Say(client, "other", told);
    EXPECT_EQ(told_all("one"), absl::ZeroDuration());
  });
}

TEST_F(RedisBudgetExchangeTest, ALineTakesThePlaceOfTheReplicasOwn) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    for (int64_t tokens = 1; tokens <= 3; ++tokens) {
      BudgetMessage told = {.incarnation = one, .sequence = tokens};
      told.tellings.push_back(Fresh(Spent(tokens)));
      const BudgetReply reply = co_await Say(client, "one", told);
      EXPECT_EQ(reply.news.size(), 1u);
      if (reply.news.size() != 1) co_return;
      EXPECT_EQ(reply.news[0].lines.size(), 1u);
      EXPECT_EQ(reply.news[0].lines[0].telling.spend.sum().input_tokens,
                tokens);
    }
  });
}

TEST_F(RedisBudgetExchangeTest, WhatIsLateMeansNothing) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    BudgetMessage told = {.incarnation = one, .sequence = 2};
    EXPECT_EQ((co_await Say(client, "one", told)).outcome, Outcome::kTaken);
    told.sequence = 1;
    EXPECT_EQ((co_await Say(client, "one", told)).outcome, Outcome::kLate);
    const int64_t again = co_await Join(client, "one");
    EXPECT_GT(again, one);
    told.sequence = 3;
    EXPECT_EQ((co_await Say(client, "one", told)).outcome,
              Outcome::kSuperseded);
  });
}

TEST_F(RedisBudgetExchangeTest, AnEmptiedRedisKnowsNobody) {
  redis_.Run([](RedisClient& client, RedisServer& server) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    server.Ask({"FLUSHALL"});
    BudgetMessage told = {.incarnation = one, .sequence = 1};
    EXPECT_EQ((co_await Say(client, "one", told)).outcome, Outcome::kUnknown);
    const int64_t again = co_await Join(client, "one");
    EXPECT_GT(again, one);
  });
}

TEST_F(RedisBudgetExchangeTest, OfAllocationsTheLatestIsKept) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    int64_t sequence = 0;
    for (const int64_t version : {5, 4, 6, 6}) {
      BudgetMessage told = {.incarnation = one, .sequence = ++sequence};
      told.tellings.push_back(Allocated(100 * version, version));
      const BudgetReply reply = co_await Say(client, "one", told);
      EXPECT_EQ(reply.news.size(), 1u);
      if (reply.news.size() != 1) co_return;
      EXPECT_EQ(reply.news[0].allocation->version, version == 6 ? 6 : 5);
      EXPECT_EQ(reply.latest, version == 6 ? 2 : 1);
    }
  });
}

TEST_F(RedisBudgetExchangeTest, ManyAreReadPageByPage) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    const int64_t other = co_await Join(client, "other");
    constexpr int kMany = 2 * BudgetShare::kScopesMax + 1;
    for (int i = 0; i < kMany; ++i) {
      BudgetMessage told = {.incarnation = one, .sequence = i + 1};
      told.since = i;
      told.tellings.push_back(Fresh(Spent(1, absl::StrCat("b", i))));
      co_await Say(client, "one", told);
    }
    BudgetMessage asked = {.incarnation = other};
    size_t read = 0;
    BudgetReply reply;
    do {
      asked.sequence += 1;
      reply = co_await Say(client, "other", asked);
      asked.since = reply.read;
      read += reply.news.size();
    } while (reply.read < reply.latest && read <= kMany);
    EXPECT_EQ(read, static_cast<size_t>(kMany));
    EXPECT_EQ(asked.sequence, 3);
  });
}

TEST_F(RedisBudgetExchangeTest, WhatIsToldIsKeptWhateverTheClocksSay) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    // Replicas at noon of another day, whose hour is not over.
    BudgetMessage told = {.incarnation = one, .sequence = 1};
    told.tellings.push_back(Spent(5));
    BudgetReply reply = co_await SayAt(kNoon, client, "one", told);
    EXPECT_EQ(reply.news.size(), 1u);
    BudgetMessage asked;
    reply = co_await SayAt(kNoon, client, "other", asked);
    EXPECT_EQ(reply.news.size(), 1u);
  });
}

TEST_F(RedisBudgetExchangeTest, WhatIsOverGoes) {
  redis_.Run([](RedisClient& client, RedisServer& server) -> Task<void> {
    const int64_t one = co_await Join(client, "one");
    BudgetMessage told = {.incarnation = one, .sequence = 1};
    told.tellings.push_back(Spent(5));  // Of an hour long ago.
    co_await Say(client, "one", told);
    told = {.incarnation = one, .sequence = 2};
    const BudgetReply reply = co_await Say(client, "one", told);
    EXPECT_TRUE(reply.news.empty());
    EXPECT_EQ(server.Ask({"EXISTS", "test:{budgets}:told"}), "0");
  });
}

}  // namespace
}  // namespace gateway
