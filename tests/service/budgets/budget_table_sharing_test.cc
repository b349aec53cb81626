// Tests what BudgetTable has of replicas that share budgets
// (service/budgets/budget_table_sharing.cc).

#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "service/budgets/budget_table.h"
#include "service/budgets/budget_telling.h"
#include "tests/service/budgets/budget_config.h"

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

}  // namespace
}  // namespace gateway
