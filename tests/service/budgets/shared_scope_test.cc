#include "service/budgets/shared_scope.h"

#include <cstdint>

#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"

namespace gateway {
namespace {

constexpr LimitUnit kTotal = ::llmgateway::config::v1::LIMIT_UNIT_TOTAL_TOKENS;

BudgetAmounts Told(int64_t tokens) { return {.input_tokens = tokens}; }

// A scope of which 1000 tokens may be taken, and what is taken of it here.
class SharedScopeTest : public testing::Test {
 protected:
  bool Take(int64_t tokens) {
    if (!scope_.MayTake(own_, Told(tokens), kTotal, {.limit = 1000}, sharing_,
                        &shortage_)) {
      return false;
    }
    scope_.Take();
    own_ += Told(tokens);
    return true;
  }
  int64_t Tell() {
    const int64_t granted = scope_.Promise(own_, sharing_).units;
    scope_.Confirm();
    return granted;
  }

  SharedScope scope_;
  BudgetAmounts own_;
  SharedScope::Shortage shortage_;
  BudgetSharing sharing_ = {.joined = true, .replicas = 2};
};

TEST_F(SharedScopeTest, OneCallIsLetInBeforeSomethingIsTold) {
  EXPECT_TRUE(Take(600));
  EXPECT_FALSE(Take(1));
  // Half of what is left.
  EXPECT_EQ(Tell(), 200);
  EXPECT_TRUE(Take(200));
  EXPECT_FALSE(Take(1));
}

TEST_F(SharedScopeTest, NoneIsBeforeItIsKnownWhatOthersHave) {
  sharing_.joined = false;
  EXPECT_FALSE(Take(1));
  sharing_.joined = true;
  EXPECT_TRUE(Take(1));
}

TEST_F(SharedScopeTest, WhatWaitsIsAskedFor) {
  EXPECT_TRUE(Take(100));
  EXPECT_FALSE(Take(500));
  EXPECT_FALSE(Take(300));
  EXPECT_EQ(Tell(), 800);
  EXPECT_TRUE(Take(500));
  EXPECT_TRUE(Take(300));
}

TEST_F(SharedScopeTest, AClaimIsNoMoreThanOthersLeave) {
  EXPECT_TRUE(Take(100));
  scope_.Promise(own_, sharing_);
  // They have claimed meanwhile.
  scope_.others.spend = BudgetSpend::From(1, 1, Told(200), {});
  scope_.others.granted = {.units = 600};
  scope_.Confirm();
  EXPECT_TRUE(Take(100));
  EXPECT_FALSE(Take(1));
}

TEST_F(SharedScopeTest, BeyondWhatOthersLeaveIsOneCall) {
  scope_.others.granted = {.units = 900};
  EXPECT_TRUE(Take(300));
  EXPECT_EQ(Tell(), 0);
  EXPECT_FALSE(Take(1));
}

TEST_F(SharedScopeTest, AClaimThatNobodyHasAnsweredIsNone) {
  EXPECT_TRUE(Take(100));
  EXPECT_EQ(scope_.Promise(own_, sharing_).units, 450);
  EXPECT_FALSE(Take(1));
  // Nor is the one before, once less was told.
  scope_.Confirm();
  EXPECT_TRUE(Take(50));
  own_ = Told(100);
  EXPECT_EQ(Tell(), 450);
  EXPECT_EQ(Tell(), 0);
  EXPECT_TRUE(Take(10));
  EXPECT_FALSE(Take(10));
}

TEST_F(SharedScopeTest, AwayItIsThePartOfWhatWasLeft) {
  EXPECT_TRUE(Take(200));
  Tell();
  scope_.others.spend = BudgetSpend::From(1, 1, Told(200), {});
  Tell();
  sharing_.away = true;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Take(100)) << i;
  EXPECT_FALSE(Take(1));
}

TEST_F(SharedScopeTest, UntilItIsSettledItClaimsNoMoreThanItsPart) {
  EXPECT_TRUE(Take(200));
  Tell();
  for (int outage = 0; outage < 3; ++outage) {
    sharing_.away = true;
    Take(300);
    EXPECT_FALSE(Take(150));
    sharing_ = {.joined = true, .settled = false, .replicas = 2};
    EXPECT_FALSE(Take(150));
    scope_.Distrust();
    EXPECT_EQ(Tell(), 100);
  }
  // 200, and half of 800.
  EXPECT_EQ(own_, Told(500));
  EXPECT_TRUE(Take(100));
  EXPECT_EQ(Tell(), 0);
  EXPECT_FALSE(Take(1));
  sharing_.settled = true;
  EXPECT_TRUE(Take(100));
  EXPECT_EQ(Tell(), 150);
}

TEST_F(SharedScopeTest, UntilItIsSettledOneCallMayBeLargerThanItsPart) {
  sharing_.away = true;
  EXPECT_TRUE(Take(700));
  EXPECT_FALSE(Take(1));
  sharing_ = {.joined = true, .settled = false, .replicas = 2};
  EXPECT_EQ(Tell(), 0);
  EXPECT_FALSE(Take(1));
}

TEST_F(SharedScopeTest, WhyItMayNotTakeIsSaid) {
  EXPECT_TRUE(Take(100));
  scope_.others.granted = {.units = 500};
  EXPECT_FALSE(Take(500));
  EXPECT_EQ(Tell(), 400);
  EXPECT_TRUE(Take(150));
  EXPECT_FALSE(Take(300));
  EXPECT_FALSE(shortage_.of_turns);
  EXPECT_EQ(shortage_.room, 250);
  const BudgetTerms turns = {.limit = 1000, .turn_limit = 1};
  EXPECT_FALSE(scope_.MayTake(own_, {.input_tokens = 1, .turns = 1}, kTotal,
                              turns, sharing_, &shortage_));
  EXPECT_TRUE(shortage_.of_turns);
  EXPECT_EQ(shortage_.room, 0);
}

TEST_F(SharedScopeTest, WhatHasExpiredIsNoClaim) {
  EXPECT_TRUE(Take(500));
  EXPECT_EQ(Tell(), 250);
  own_ = Told(0);
  scope_.Expire(Told(500));
  EXPECT_TRUE(Take(250));
  EXPECT_FALSE(Take(1));
}

TEST(MergedSpendTest, OfWindowsTheLatestCounts) {
  const BudgetWindow hour = *BudgetWindow::Named("hour");
  const BudgetSpend early = BudgetSpend::From(3600, 3601, Told(1), {});
  const BudgetSpend late = BudgetSpend::From(7200, 7201, Told(2), {});
  const BudgetSpend also = BudgetSpend::From(7200, 7300, Told(3), {});
  EXPECT_EQ(MergedSpend(hour, early, late).sum(), Told(2));
  EXPECT_EQ(MergedSpend(hour, late, early).sum(), Told(2));
  EXPECT_EQ(MergedSpend(hour, late, also).sum(), Told(5));
  EXPECT_EQ(MergedSpend(hour, late, also).last_time(), 7300);
}

TEST(MergedSpendTest, WithoutAWindowAllCountsFromTheFirst) {
  const BudgetSpend one = BudgetSpend::From(50, 60, Told(1), {});
  const BudgetSpend other = BudgetSpend::From(20, 90, Told(2), {});
  for (const BudgetSpend& merged :
       {MergedSpend({}, one, other), MergedSpend({}, other, one)}) {
    EXPECT_EQ(merged.start(), 20);
    EXPECT_EQ(merged.last_time(), 90);
    EXPECT_EQ(merged.sum(), Told(3));
  }
  EXPECT_EQ(MergedSpend({}, one, {}), one);
  EXPECT_EQ(MergedSpend({}, {}, one), one);
}

TEST(MergedSpendTest, StepsStandTogether) {
  const BudgetWindow rolls = *BudgetWindow::Named("rolling:600");
  BudgetSpend one;
  BudgetSpend other;
  one.Add(rolls, 1000, 1001, Told(1));
  other.Add(rolls, 1000, 1002, Told(2));
  other.Add(rolls, 1010, 1012, Told(4));
  const BudgetSpend merged = MergedSpend(rolls, one, other);
  EXPECT_EQ(merged.sum(), Told(7));
  ASSERT_EQ(merged.steps().size(), 2u);
  EXPECT_EQ(merged.steps()[0].amounts, Told(3));
}

}  // namespace
}  // namespace gateway
