#include "service/summary/call_totals.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"
#include "tests/service/summary/summary_printing.h"

namespace gateway {
namespace {

TEST(CallTotalsTest, FiguresAddUp) {
  CallTotals totals = Costs(7, 2);
  totals.Add(Figure::kFailed, 1);
  CallTotals others = Costs(5);
  others.Add(Figure::kInputTokens, 9);
  totals.Add(others);
  EXPECT_EQ(totals[Figure::kSucceeded], 3);
  EXPECT_EQ(totals[Figure::kFailed], 1);
  EXPECT_EQ(totals[Figure::kCostUsdNanos], 12);
  EXPECT_EQ(totals[Figure::kInputTokens], 9);
  EXPECT_EQ(totals.calls(), 4);
}

TEST(CallTotalsTest, NothingIsGivenBack) {
  CallTotals totals = Costs(7);
  totals.Add(Figure::kCostUsdNanos, -3);
  EXPECT_EQ(totals[Figure::kCostUsdNanos], 7);
}

TEST(CallTotalsTest, WhatWouldOverflowStaysAtTheLargest) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  CallTotals totals;
  totals.Add(Figure::kInputTokens, kMax - 1);
  totals.Add(Figure::kInputTokens, 1);
  EXPECT_EQ(totals[Figure::kInputTokens], kMax);
  totals.Add(Figure::kInputTokens, 1);
  EXPECT_EQ(totals[Figure::kInputTokens], kMax);
  totals.Add(CallTotals(totals));
  EXPECT_EQ(totals[Figure::kInputTokens], kMax);
}

TEST(CallTotalsTest, IsZeroUntilSomethingIsAdded) {
  CallTotals totals;
  EXPECT_TRUE(totals.IsZero());
  totals.Add(Figure::kDurationMicros, 1);
  EXPECT_FALSE(totals.IsZero());
}

}  // namespace
}  // namespace gateway
