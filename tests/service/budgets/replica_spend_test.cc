#include "service/budgets/replica_spend.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "tests/service/budgets/budget_config.h"

namespace gateway {
namespace {

constexpr int64_t kHourStart = kNoon - 1800;
const BudgetWindow kHourWindow = *BudgetWindow::Named("hour");
const BudgetWindow kRollingWindow = *BudgetWindow::Named("rolling:600");

BudgetAmounts Tokens(int64_t input, int64_t output = 0) {
  return {.input_tokens = input, .output_tokens = output};
}

BudgetSpend InHour(const BudgetAmounts& amounts, int64_t start = kHourStart) {
  return BudgetSpend::From(start, start + 1, amounts, {});
}

class ReplicaSpendTest : public testing::Test {
 protected:
  BudgetAmounts Counting(bool is_closed = false, int64_t reset_version = 0) {
    return replica_.Counting(kHourWindow, reset_version, is_closed, kNoon)
        .sum();
  }

  ReplicaSpend replica_ = {.replica = "other"};
};

TEST_F(ReplicaSpendTest, TheGreaterCounts) {
  EXPECT_EQ(Counting(), Tokens(0));
  replica_.recorded = {.spend = InHour(Tokens(30, 5))};
  EXPECT_EQ(Counting(), Tokens(30, 5));
  replica_.told = {.spend = InHour(Tokens(20, 7))};
  EXPECT_EQ(Counting(), Tokens(30, 7));
  replica_.recorded.reset();
  EXPECT_EQ(Counting(), Tokens(20, 7));
}

TEST_F(ReplicaSpendTest, OfAClosedChainTheLedgerAloneCounts) {
  replica_.told = {.spend = InHour(Tokens(50))};
  replica_.recorded = {.spend = InHour(Tokens(40))};
  EXPECT_EQ(Counting(/*is_closed=*/true), Tokens(40));
  // Somebody goes on with it.
  replica_.lives = true;
  EXPECT_EQ(Counting(/*is_closed=*/true), Tokens(50));
  replica_.lives = false;
  replica_.recorded.reset();
  EXPECT_EQ(Counting(/*is_closed=*/true), Tokens(0));
}

TEST_F(ReplicaSpendTest, WhatIsOverCountsNoMore) {
  replica_.told = {.spend = InHour(Tokens(50), kHourStart - 3600)};
  replica_.recorded = {.spend = InHour(Tokens(40))};
  EXPECT_EQ(Counting(), Tokens(40));
  replica_.recorded = {.spend = InHour(Tokens(40)), .reset_version = 3};
  EXPECT_EQ(Counting(), Tokens(0));
  EXPECT_EQ(Counting(/*is_closed=*/false, /*reset_version=*/3), Tokens(40));
}

TEST(GreaterSpendTest, OfWindowsTheLaterCounts) {
  const BudgetSpend early = InHour(Tokens(9), kHourStart - 3600);
  const BudgetSpend late = InHour(Tokens(1));
  EXPECT_EQ(GreaterSpend(kHourWindow, early, late), late);
  EXPECT_EQ(GreaterSpend(kHourWindow, late, early), late);
  EXPECT_EQ(GreaterSpend(kHourWindow, late, {}), late);
  EXPECT_EQ(GreaterSpend(kHourWindow, {}, late), late);
}

TEST(GreaterSpendTest, OfEachStepTheGreaterCounts) {
  BudgetSpend one;
  BudgetSpend other;
  one.Add(kRollingWindow, 1000, 1001, Tokens(1));
  one.Add(kRollingWindow, 1010, 1012, Tokens(8));
  other.Add(kRollingWindow, 1000, 1002, Tokens(2));
  other.Add(kRollingWindow, 1010, 1013, Tokens(4));
  other.Add(kRollingWindow, 1020, 1022, Tokens(16));
  for (const BudgetSpend& greater :
       {GreaterSpend(kRollingWindow, one, other),
        GreaterSpend(kRollingWindow, other, one)}) {
    EXPECT_EQ(greater.sum(), Tokens(26));
    ASSERT_EQ(greater.steps().size(), 3u);
    EXPECT_EQ(greater.steps()[0].amounts, Tokens(2));
    EXPECT_EQ(greater.steps()[1].amounts, Tokens(8));
  }
}

TEST(GreaterSpendTest, WithoutAWindowItGoesOnFromTheFirst) {
  const BudgetSpend one = BudgetSpend::From(50, 60, Tokens(3), {});
  const BudgetSpend other = BudgetSpend::From(20, 55, Tokens(2, 1), {});
  const BudgetSpend greater = GreaterSpend({}, one, other);
  EXPECT_EQ(greater.start(), 20);
  EXPECT_EQ(greater.last_time(), 60);
  EXPECT_EQ(greater.sum(), Tokens(3, 1));
}

TEST(TakeAwayTest, NoMoreThanThereIs) {
  BudgetSpend spend = InHour(Tokens(10, 5));
  TakeAway(kHourWindow, InHour(Tokens(4, 9)), &spend);
  EXPECT_EQ(spend.sum(), Tokens(6, 0));
  TakeAway(kHourWindow, InHour(Tokens(4), kHourStart - 3600), &spend);
  EXPECT_EQ(spend.sum(), Tokens(6, 0));
  BudgetSpend rolls;
  rolls.Add(kRollingWindow, 1000, 1001, Tokens(5));
  rolls.Add(kRollingWindow, 1010, 1011, Tokens(6));
  BudgetSpend less;
  less.Add(kRollingWindow, 990, 991, Tokens(7));
  less.Add(kRollingWindow, 1010, 1011, Tokens(2));
  TakeAway(kRollingWindow, less, &rolls);
  EXPECT_EQ(rolls.sum(), Tokens(9));
  BudgetSpend endless = BudgetSpend::From(20, 30, Tokens(8), {});
  TakeAway({}, BudgetSpend::From(10, 40, Tokens(3), {}), &endless);
  EXPECT_EQ(endless.sum(), Tokens(5));
  EXPECT_EQ(endless.last_time(), 30);
}

}  // namespace
}  // namespace gateway
