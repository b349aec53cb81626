#include "service/budgets/budget_sharer.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "tests/service/budgets/budget_config.h"
#include "tests/service/budgets/sharing_redis.h"

namespace gateway {
namespace {

constexpr char kForEver[] = R"(rules {
  name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 })";

// A replica, and what it has been told to keep.
class Sharer {
 public:
  Sharer(RedisClient& client, std::string name)
      : budgets_(kForEver), sharer_(SystemClock()) {
    budgets_.now = absl::ToUnixSeconds(SystemClock().WallTime());
    budgets_.table.SetShared(true);
    sharer_.Share(budgets_.table,
                  {.settings =
                       [] {
                         return BudgetSharer::Settings{
                             .shared = true,
                             .interval = absl::Milliseconds(20),
                             .replicas = 2};
                       },
                   .client = [&client] { return &client; },
                   .prefix = "test:",
                   .replica = std::move(name),
                   .ledger_news = [this] { return std::exchange(news_, {}); },
                   .keep_resets =
                       [this](std::vector<BudgetChange> changes) {
                         resets += changes.size();
                       }});
    Spawn(RunOn(*EventLoop::Current()));
  }
  // Tells what is untold.
  Task<void> End() {
    sharer_.StopOnLoop();
    co_await ended_.Wait();
  }

  bool Spend(int64_t tokens) {
    TestCall call(budgets_, {});
    if (!call.Reserve({.input_tokens = tokens})) return false;
    call.Settle({.input_tokens = tokens});
    return true;
  }
  // As many calls of fifty as are let in.
  int64_t SpendAll() {
    int64_t sum = 0;
    while (Spend(50)) sum += 50;
    return sum;
  }
  // Until the other one is seen, too.
  Task<void> AwaitOther() {
    while (sharer_.figures().replicas != 2) co_await sharer_.AwaitExchange();
  }
  // Until Redis answers, or does not.
  Task<void> AwaitAway(bool away) {
    while (sharer_.figures().away != away) co_await YieldToLoop();
  }
  // Until what all have spent is as much.
  Task<void> AwaitSpent(int64_t tokens) {
    while (SpentByAll() != tokens) co_await sharer_.AwaitExchange();
  }
  int64_t SpentByAll() {
    const auto found = budgets_.table.Find({.budget = "b"}, budgets_.now);
    return found.has_value() ? found->account.spend.sum().total_tokens() : 0;
  }
  void Reset() {
    const auto found = budgets_.table.Find({.budget = "b"}, budgets_.now);
    for (const BudgetChange& change :
         BudgetTable::ChangesToReset(*found, budgets_.now)) {
      budgets_.table.Apply(change);
    }
  }
  // Its ledger goes on in another chain; so much is in the one before. And two
  // changes are to be kept.
  void Move(const std::string& name, int64_t left) {
    BudgetBook book;
    book.Apply({.scope = {.budget = "b"},
                .time = budgets_.now,
                .amounts = {.input_tokens = left, .turns = 1}});
    news_.moves.push_back({.replica = name, .left = std::move(book)});
    news_.resets.resize(2);
  }
  BudgetSharer& sharer() { return sharer_; }

  size_t resets = 0;

 private:
  Task<void> RunOn(EventLoop& loop) {
    co_await sharer_.Run(loop);
    ended_.Set();
  }

  TestBudgets budgets_;
  BudgetSharer::LedgerNews news_;
  BudgetSharer sharer_;
  WakeUp ended_;
};

class BudgetSharerTest : public testing::Test {
 protected:
  SharingRedis redis_;
};

TEST_F(BudgetSharerTest, WhatOneSpendsTheOtherKnows) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    Sharer one(client, "one");
    Sharer other(client, "other");
    co_await one.sharer().AwaitExchange();
    co_await other.sharer().AwaitExchange();
    EXPECT_TRUE(one.Spend(600));
    co_await one.AwaitSpent(600);
    co_await other.AwaitSpent(600);
    EXPECT_FALSE(other.Spend(401));
    EXPECT_TRUE(other.Spend(400));
    co_await one.AwaitSpent(1000);
    one.Reset();
    co_await other.AwaitSpent(0);
    EXPECT_EQ(other.resets, 1u);
    EXPECT_EQ(one.resets, 0u);
    EXPECT_EQ(one.sharer().figures().replicas, 2);
    EXPECT_GT(one.sharer().figures().exchanges, 0);
    EXPECT_EQ(one.sharer().figures().failures, 0);
    co_await one.End();
    co_await other.End();
  });
}

TEST_F(BudgetSharerTest, ALaterExchangeKnowsWhatOthersHaveToldMeanwhile) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    Sharer one(client, "one");
    Sharer other(client, "other");
    co_await one.sharer().AwaitExchange();
    co_await other.sharer().AwaitExchange();
    const absl::Duration begun = EventLoop::Current()->Now();
    co_await one.sharer().AwaitLaterExchange();
    EXPECT_GE(EventLoop::Current()->Now() - begun, absl::Milliseconds(20));
    co_await one.End();
    // Nobody is there to wait for.
    co_await one.sharer().AwaitLaterExchange();
    co_await other.End();
  });
}

TEST_F(BudgetSharerTest, WhatTheLedgerSaysIsTakenIn) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    Sharer one(client, "one");
    Sharer other(client, "other");
    co_await one.sharer().AwaitExchange();
    EXPECT_TRUE(one.Spend(300));
    co_await other.AwaitSpent(300);
    // All of it is in the chain that it has left.
    one.Move("next", 300);
    while (one.resets == 0) co_await one.sharer().AwaitExchange();
    EXPECT_EQ(one.resets, 2u);
    co_await one.AwaitSpent(300);
    EXPECT_TRUE(one.Spend(5));
    co_await other.AwaitSpent(305);
    co_await one.AwaitSpent(305);
    co_await one.End();
    co_await other.End();
  });
}

TEST_F(BudgetSharerTest, WhatIsUntoldAtTheEndIsTold) {
  redis_.Run([](RedisClient& client, RedisServer&) -> Task<void> {
    Sharer one(client, "one");
    co_await one.sharer().AwaitExchange();
    EXPECT_TRUE(one.Spend(600));
    co_await one.End();
    // Nobody is there to wait for.
    co_await one.sharer().AwaitExchange();
    Sharer other(client, "other");
    co_await other.AwaitSpent(600);
    co_await other.End();
  });
}

TEST_F(BudgetSharerTest, AwayNobodyWaits) {
  redis_.Run([](RedisClient& client, RedisServer& server) -> Task<void> {
    Sharer one(client, "one");
    co_await one.sharer().AwaitExchange();
    EXPECT_TRUE(one.Spend(200));
    co_await one.AwaitSpent(200);
    co_await one.sharer().AwaitExchange();
    server.Kill();
    while (!one.sharer().figures().away) {
      co_await one.sharer().AwaitExchange();
    }
    EXPECT_GT(one.sharer().figures().failures, 0);
    // Half of what was left.
    EXPECT_TRUE(one.Spend(300));
    EXPECT_FALSE(one.Spend(300));
    server.Restart();
    while (one.sharer().figures().away) co_await YieldToLoop();
    co_await one.sharer().AwaitExchange();
    EXPECT_TRUE(one.Spend(100));
    co_await one.End();
  });
}

TEST_F(BudgetSharerTest, WhereRedisIsKilledAgainAndAgainNothingIsSpentTwice) {
  redis_.Run([](RedisClient& client, RedisServer& server) -> Task<void> {
    Sharer one(client, "one");
    Sharer other(client, "other");
    co_await one.AwaitOther();
    co_await other.AwaitOther();
    int64_t spent = 0;
    for (int i = 0; i < 3; ++i) {
      server.Kill();
      co_await one.AwaitAway(true);
      co_await other.AwaitAway(true);
      spent += one.SpendAll();
      // It comes back with nothing.
      server.Restart();
      co_await one.AwaitAway(false);
      co_await other.AwaitAway(false);
      spent += other.SpendAll();
      spent += one.SpendAll();
    }
    // When both have told, all of it is theirs.
    while (spent < 1000) {
      spent += one.SpendAll() + other.SpendAll();
      co_await one.AwaitAway(false);
      co_await one.sharer().AwaitExchange();
      co_await other.AwaitAway(false);
      co_await other.sharer().AwaitExchange();
    }
    // And a call.
    EXPECT_LE(spent, 1050);
    co_await one.AwaitSpent(spent);
    co_await other.AwaitSpent(spent);
    co_await one.End();
    co_await other.End();
  });
}

}  // namespace
}  // namespace gateway
