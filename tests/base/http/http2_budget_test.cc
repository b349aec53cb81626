#include "base/http/http2_budget.h"

#include <cstdint>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using Cost = Http2Budget::Cost;

const absl::Duration kBegin = absl::Seconds(1000);

constexpr uint32_t kStreams = 100;

// How many can be spent one after the other.
int CountUntilRefused(Http2Budget& budget, Cost cost, absl::Duration now) {
  int count = 0;
  while (budget.Spend(cost, now)) ++count;
  return count;
}

TEST(Http2BudgetTest, EndsAtTheLastToken) {
  Http2Budget pings(kStreams, kBegin);
  EXPECT_EQ(CountUntilRefused(pings, Cost::kPing, kBegin),
            Http2Budget::kControl);
  Http2Budget resets(kStreams, kBegin);
  EXPECT_EQ(CountUntilRefused(resets, Cost::kReset, kBegin),
            Http2Budget::kResetsMin);
}

TEST(Http2BudgetTest, EveryStreamThatIsAllowedMayBeReset) {
  for (const int32_t streams : {300, 301, 1024, 100'000}) {
    Http2Budget budget(streams, kBegin);
    EXPECT_EQ(CountUntilRefused(budget, Cost::kReset, kBegin), streams);
    // What was spent comes back, and no faster than to others.
    const absl::Duration second = kBegin + absl::Seconds(1);
    EXPECT_EQ(CountUntilRefused(budget, Cost::kReset, second),
              Http2Budget::kResetsPerSecond - 1);
    const absl::Duration later = kBegin + absl::Hours(1);
    EXPECT_EQ(CountUntilRefused(budget, Cost::kReset, later), streams);
  }
  // Nobody can be allowed so many, but if, it is no negative number.
  Http2Budget most(UINT32_MAX, kBegin);
  EXPECT_TRUE(most.Spend(Cost::kReset, kBegin));
  EXPECT_TRUE(most.Spend(Cost::kReset, kBegin + absl::Hours(1'000'000)));
}

TEST(Http2BudgetTest, ResetsAndControlFramesDoNotSpendEachOthersTokens) {
  Http2Budget budget(kStreams, kBegin);
  EXPECT_EQ(CountUntilRefused(budget, Cost::kReset, kBegin),
            Http2Budget::kResetsMin);
  EXPECT_EQ(CountUntilRefused(budget, Cost::kPing, kBegin),
            Http2Budget::kControl);
}

TEST(Http2BudgetTest, SettingsAreDear) {
  Http2Budget budget(kStreams, kBegin);
  EXPECT_LT(CountUntilRefused(budget, Cost::kSettings, kBegin),
            Http2Budget::kControl / 10);
}

TEST(Http2BudgetTest, TokensComeBackWithTimeAndNoFraction) {
  Http2Budget budget(kStreams, kBegin);
  CountUntilRefused(budget, Cost::kPing, kBegin);
  CountUntilRefused(budget, Cost::kReset, kBegin);
  // In many steps that are shorter than those in which tokens come back.
  absl::Duration now = kBegin;
  for (int i = 0; i < 100; ++i) {
    now += absl::Milliseconds(50);
    budget.Spend(Cost::kPing, now);
  }
  // Five seconds; one was spent each time, and one below zero before.
  EXPECT_EQ(CountUntilRefused(budget, Cost::kPing, now),
            5 * Http2Budget::kControlPerSecond - 100 - 1);
  EXPECT_EQ(CountUntilRefused(budget, Cost::kReset, now),
            5 * Http2Budget::kResetsPerSecond - 1);
}

TEST(Http2BudgetTest, NeverHoldsMoreThanANewOne) {
  Http2Budget budget(kStreams, kBegin);
  for (int i = 0; i < 1000; ++i) {
    budget.EarnBySending();
    budget.EarnByAnswering();
  }
  const absl::Duration later = kBegin + absl::Hours(1000);
  EXPECT_EQ(CountUntilRefused(budget, Cost::kPing, later),
            Http2Budget::kControl);
  EXPECT_EQ(CountUntilRefused(budget, Cost::kReset, later),
            Http2Budget::kResetsMin);
}

TEST(Http2BudgetTest, WhatIsSentPaysForItsAcknowledgements) {
  Http2Budget budget(kStreams, kBegin);
  for (int i = 0; i < 100'000; ++i) {
    budget.EarnBySending();
    ASSERT_TRUE(budget.Spend(Cost::kWindowUpdate, kBegin));
    ASSERT_TRUE(budget.Spend(Cost::kWindowUpdate, kBegin));
    ASSERT_TRUE(budget.Spend(Cost::kPing, kBegin));
  }
}

TEST(Http2BudgetTest, AnAnswerPaysForItsCancellation) {
  Http2Budget budget(kStreams, kBegin);
  for (int i = 0; i < 100'000; ++i) {
    budget.EarnByAnswering();
    ASSERT_TRUE(budget.Spend(Cost::kReset, kBegin));
  }
}

}  // namespace
}  // namespace gateway
