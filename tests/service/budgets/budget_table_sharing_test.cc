// Tests what BudgetTable has of replicas that share budgets
// (service/budgets/budget_table_sharing.cc).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/budgets/budget_table.h"
#include "service/budgets/budget_telling.h"
#include "tests/service/budgets/budget_config.h"
#include "tests/service/budgets/budget_redis_model.h"
#include "tests/service/budgets/sharing_replica.h"

namespace gateway {
namespace {

constexpr char kSharedBudget[] = R"(rules {
  name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS limit: 1000 period: PERIOD_HOUR })";
constexpr int64_t kHourOfNoon = kNoon - 1800;

BudgetNews NewsOf(int64_t start, int64_t spent, int64_t reset_version = 0) {
  BudgetTelling told;
  told.spend = BudgetSpend::From(start, start, {.input_tokens = spent}, {});
  told.reserved = {.input_tokens = 10};
  told.reset_version = reset_version;
  return {.scope = {.budget = "b", .window = "hour"},
          .start = start,
          .lines = {{.replica = "other", .telling = told}}};
}

class BudgetTableSharingTest : public testing::Test {
 protected:
  BudgetTableSharingTest() {
    budgets_.table.SetShared(true);
    budgets_.table.SetSharing({.joined = true, .replicas = 2});
  }
  bool Learn(const BudgetNews& news, bool lives = true) {
    return budgets_.table.Learn(
        news, "me", /*adopts=*/false,
        [&](const std::string&) { return lives; }, kNoon, &resets_);
  }
  BudgetStanding Standing() {
    return *budgets_.table.Find({.budget = "b", .window = "hour"}, kNoon);
  }
  bool Spend(int64_t tokens) {
    TestCall call(budgets_, {});
    if (!call.Reserve({.input_tokens = tokens})) return false;
    call.Settle({.input_tokens = tokens});
    return true;
  }

  TestBudgets budgets_{kSharedBudget};
  std::vector<BudgetChange> resets_;
};

TEST_F(BudgetTableSharingTest, WhatOthersHaveIsASumWithItsOwn) {
  ASSERT_TRUE(Spend(100));
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon, 300)));
  EXPECT_EQ(Standing().account.spend.sum().input_tokens, 400);
  EXPECT_EQ(Standing().reserved.input_tokens, 10);
  EXPECT_EQ(Standing().own->sum().input_tokens, 100);
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon, 200), /*lives=*/false));
  EXPECT_EQ(Standing().account.spend.sum().input_tokens, 300);
  EXPECT_EQ(Standing().reserved.input_tokens, 0);
}

TEST_F(BudgetTableSharingTest, NewsOfAnotherWindowChangesNothing) {
  ASSERT_TRUE(Spend(100));
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon - 3600, 300)));
  EXPECT_EQ(Standing().account.spend.sum().input_tokens, 100);
  // Of a clock that is wrong.
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon + 3600, 300)));
  EXPECT_EQ(Standing().account.spend.sum().input_tokens, 100);
}

TEST_F(BudgetTableSharingTest, WhatHasNewsIsToldOnce) {
  ASSERT_TRUE(Spend(100));
  EXPECT_EQ(budgets_.table.untold(), 1u);
  std::vector<CounterKey> keys;
  const auto tellings = budgets_.table.BeginTelling(10, kNoon, &keys);
  ASSERT_EQ(tellings.size(), 1u);
  EXPECT_EQ(tellings[0].start, kHourOfNoon);
  EXPECT_EQ(tellings[0].spend.sum().input_tokens, 100);
  EXPECT_EQ(tellings[0].granted.units, 450);
  EXPECT_EQ(budgets_.table.untold(), 0u);
  budgets_.table.EndTelling(keys, /*told=*/false);
  EXPECT_EQ(budgets_.table.untold(), 1u);
}

TEST_F(BudgetTableSharingTest, WhatIsAllocatedDuringATellingIsToldNext) {
  const auto allocate = [this](int64_t limit, int64_t version) {
    budgets_.table.Apply(
        {.scope = Standing().scope,
         .time = kNoon,
         .allocation = BudgetAllocation{.limit = limit, .version = version}});
  };
  // What the next telling, which ends so, says of an allocation.
  const auto tell = [this](bool told) -> std::optional<int64_t> {
    std::vector<CounterKey> keys;
    const auto tellings = budgets_.table.BeginTelling(10, kNoon, &keys);
    budgets_.table.EndTelling(keys, told);
    for (const BudgetTelling& each : tellings) {
      if (each.allocation.has_value()) return each.allocation->limit;
    }
    return std::nullopt;
  };
  ASSERT_TRUE(Spend(100));
  std::vector<CounterKey> keys;
  budgets_.table.BeginTelling(10, kNoon, &keys);
  allocate(300, 1);
  budgets_.table.EndTelling(keys, /*told=*/true);
  EXPECT_EQ(tell(/*told=*/false), 300);
  EXPECT_EQ(tell(/*told=*/true), 300);
  ASSERT_TRUE(Spend(1));
  EXPECT_EQ(tell(/*told=*/true), std::nullopt);
}

TEST_F(BudgetTableSharingTest, AResetElsewhereIsOneHereOnce) {
  ASSERT_TRUE(Spend(100));
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon, 40, /*reset_version=*/7)));
  ASSERT_EQ(resets_.size(), 1u);
  EXPECT_EQ(resets_[0].amounts.input_tokens, -100);
  EXPECT_EQ(resets_[0].reset_version, 7);
  EXPECT_EQ(Standing().account.spend.sum().input_tokens, 40);
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon, 50, /*reset_version=*/7)));
  EXPECT_EQ(resets_.size(), 1u);
  EXPECT_EQ(Standing().account.spend.sum().input_tokens, 50);
  // What is of a time before it counts no more.
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon, 90, /*reset_version=*/6)));
  EXPECT_EQ(Standing().account.spend.sum().input_tokens, 0);
}

TEST_F(BudgetTableSharingTest, AClockThatIsAheadElsewhereChangesNothing) {
  constexpr int64_t kMonth = 31 * 24 * 3600;
  TestBudgets rolling(R"(rules { name: "b" unit: LIMIT_UNIT_TOTAL_TOKENS
    limit: 1000 rolling_window { seconds: 3600 } })");
  rolling.table.SetShared(true);
  rolling.table.SetSharing({.joined = true, .replicas = 2});
  const BudgetScope scope = {.budget = "b", .window = "rolling:3600"};
  TestCall call(rolling, {});
  ASSERT_TRUE(call.Reserve({.input_tokens = 400}));
  call.Settle({.input_tokens = 400});
  BudgetTelling told;
  told.spend = BudgetSpend::From(
      kNoon + kMonth, kNoon + kMonth, {.input_tokens = 50},
      {{.start = kNoon + kMonth, .amounts = {.input_tokens = 50}}});
  ASSERT_TRUE(rolling.table.Learn(
      {.scope = scope, .lines = {{.replica = "other", .telling = told}}}, "me",
      /*adopts=*/false, [](const std::string&) { return true; }, kNoon,
      &resets_));
  EXPECT_EQ(rolling.table.Find(scope, kNoon)->account.spend.sum().input_tokens,
            450);
  EXPECT_EQ(rolling.table.Find(scope, kNoon + 3660)->account.spend.sum(),
            BudgetAmounts());
}

TEST_F(BudgetTableSharingTest, AfterALeapItTellsAgainOfItsWindow) {
  ASSERT_TRUE(Spend(100));
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon, 300)));
  std::vector<CounterKey> keys;
  budgets_.table.BeginTelling(10, kNoon, &keys);
  budgets_.table.EndTelling(keys, /*told=*/true);
  budgets_.table.ForEach(kNoon + 31 * 24 * 3600, [](const BudgetStanding&) {});
  EXPECT_EQ(Standing().account.spend.sum().input_tokens, 400);
  // The others may have charged this window meanwhile: they are asked first.
  EXPECT_FALSE(Spend(1));
  keys.clear();
  const auto tellings = budgets_.table.BeginTelling(10, kNoon, &keys);
  ASSERT_EQ(tellings.size(), 1u);
  EXPECT_EQ(tellings[0].start, kHourOfNoon);
  EXPECT_EQ(tellings[0].spend.sum().input_tokens, 100);
  budgets_.table.EndTelling(keys, /*told=*/true);
  EXPECT_TRUE(Spend(1));
}

TEST_F(BudgetTableSharingTest, WhoseASessionIsIsTold) {
  TestBudgets bound("sessions { session_tokens: 1000 bind_caller: true }");
  bound.table.SetShared(true);
  bound.table.SetSharing({.joined = true, .replicas = 2});
  const auto learn = [&](const char* caller, int64_t time) {
    BudgetNews news = {
        .scope = {.budget = "session",
                  .subject = {
                      {llmgateway::config::v1::LIMIT_DIMENSION_SESSION, "S"}}}};
    if (time != 0) {
      news.binding = BudgetBinding{.caller = caller, .time = time};
    }
    return bound.table.Learn(
        news, "me", /*adopts=*/false, [](const std::string&) { return true; },
        kNoon, &resets_);
  };
  const auto may_call = [&](const char* caller) {
    TestCall call(bound,
                  {{llmgateway::config::v1::LIMIT_DIMENSION_SESSION, "S"},
                   {llmgateway::config::v1::LIMIT_DIMENSION_CALLER, caller}});
    return call.Reserve({.input_tokens = 1});
  };
  ASSERT_TRUE(learn("ann", kNoon - 5));
  EXPECT_FALSE(may_call("bob"));
  EXPECT_TRUE(may_call("ann"));
  std::vector<CounterKey> keys;
  const auto tellings = bound.table.BeginTelling(10, kNoon, &keys);
  ASSERT_EQ(tellings.size(), 1u);
  EXPECT_EQ(tellings[0].binding->caller, "ann");
  bound.table.EndTelling(keys, /*told=*/true);
  // Who does not know it is told again; who was earlier is right.
  while (bound.table.untold() > 0) {
    keys.clear();
    bound.table.BeginTelling(10, kNoon, &keys);
    bound.table.EndTelling(keys, /*told=*/true);
  }
  ASSERT_TRUE(learn("", 0));
  EXPECT_EQ(bound.table.untold(), 1u);
  ASSERT_TRUE(learn("bob", kNoon - 9));
  EXPECT_TRUE(may_call("bob"));
  EXPECT_FALSE(may_call("ann"));
}

TEST_F(BudgetTableSharingTest, WhatHasNoPlaceIsSaid) {
  TestBudgets small(kSharedBudget, {.scopes_limit = 1});
  small.table.SetShared(true);
  int placed = 0;
  for (int i = 0; i < 1000; ++i) {
    BudgetNews news = NewsOf(kHourOfNoon, 5);
    news.scope.budget += std::to_string(i);
    placed += small.table.Learn(
                  news, "me", false, [](const std::string&) { return true; },
                  kNoon, &resets_)
                  ? 1
                  : 0;
  }
  EXPECT_GT(placed, 0);
  EXPECT_LE(placed, 64);
}

TEST_F(BudgetTableSharingTest, NotSharedAnyMoreItIsByItself) {
  ASSERT_TRUE(Learn(NewsOf(kHourOfNoon, 990)));
  EXPECT_FALSE(Spend(100));
  budgets_.table.SetShared(false);
  EXPECT_TRUE(Spend(100));
  EXPECT_FALSE(Standing().own.has_value());
}

TEST_F(BudgetTableSharingTest, WhatHasSpentNothingIsOfThePresentWindow) {
  for (const bool shared : {false, true}) {
    TestBudgets budgets(kSharedBudget);
    budgets.table.SetShared(shared);
    budgets.table.SetSharing({.joined = true, .replicas = 2});
    TestCall call(budgets, {});
    ASSERT_TRUE(call.Reserve({.input_tokens = 1}));
    const auto start = [&](int64_t now) {
      return budgets.table.Find({.budget = "b", .window = "hour"}, now)
          ->account.spend.start();
    };
    EXPECT_EQ(start(kNoon), kHourOfNoon);
    EXPECT_EQ(start(kNoon + 3600), kHourOfNoon + 3600);
    call.Settle({.input_tokens = 1});
    EXPECT_EQ(start(kNoon + 7200), kHourOfNoon + 7200);
  }
}

// Replicas whose clocks differ, through many windows, drawn from a seed.
class ReplicasOfSomeClocks {
 public:
  ReplicasOfSomeClocks(uint64_t seed, int64_t apart)
      : bits_(seed), largest_(1 + Draw(300)) {
    for (int64_t i = 0; i < kReplicas; ++i) {
      ahead_.push_back(Draw(apart + 1));
      replicas_.push_back(std::make_unique<SharingReplica>(
          redis_, absl::StrCat("r", i), kSharedHour, kReplicas));
    }
    Pass(0);
  }

  void Step() {
    SharingReplica& one = *replicas_[static_cast<size_t>(Draw(kReplicas))];
    switch (Draw(8)) {
      case 0:
        Pass(Draw(4) == 0 ? Draw(900) : Draw(3));
        break;
      case 1:
      case 2:
        one.Exchange();
        break;
      case 3:
        if (one.open() > 0) {
          one.End(static_cast<size_t>(Draw(100)), 1 + Draw(largest_));
        }
        break;
      default:
        one.Begin(1 + Draw(largest_), /*asks=*/Draw(4) != 0);
    }
  }

  // The most that was charged to a window beyond its limit.
  int64_t Excess() const {
    std::map<int64_t, int64_t> charged;
    for (const auto& each : replicas_) {
      for (const auto& [start, tokens] : each->charged()) {
        charged[start] += tokens;
      }
    }
    int64_t most = 0;
    for (const auto& [start, tokens] : charged) most = std::max(most, tokens);
    return most - 1000;
  }
  int64_t ExcessMax() const { return (kReplicas - 1) * largest_; }

 private:
  static constexpr int64_t kReplicas = 3;

  int64_t Draw(int64_t below) {
    return static_cast<int64_t>(bits_() % static_cast<uint64_t>(below));
  }
  // As all exchange many times a second, nobody is silent meanwhile.
  void Pass(int64_t seconds) {
    now_ += seconds;
    redis_.Pass(absl::Seconds(seconds));
    for (size_t i = 0; i < replicas_.size(); ++i) {
      replicas_[i]->PassTo(now_ + ahead_[i]);
      if (seconds > 2) replicas_[i]->Exchange();
    }
  }

  std::mt19937_64 bits_;
  const int64_t largest_;
  BudgetRedisModel redis_;
  std::vector<std::unique_ptr<SharingReplica>> replicas_;
  std::vector<int64_t> ahead_;
  int64_t now_ = kNoon;
};

TEST(BudgetTableSharingPropertyTest, EachWindowHasItsLimitWhateverClocksSay) {
  for (const int64_t apart : {0, 1, 30, 300}) {
    for (uint64_t seed = 0; seed < 15; ++seed) {
      SCOPED_TRACE(absl::StrCat("seed ", seed, ", ", apart, " seconds"));
      ReplicasOfSomeClocks replicas(seed, apart);
      for (int step = 0; step < 1500; ++step) {
        replicas.Step();
        ASSERT_LE(replicas.Excess(), replicas.ExcessMax()) << "step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace gateway
