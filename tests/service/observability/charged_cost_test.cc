#include "service/observability/charged_cost.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace gateway {
namespace {

llmgateway::v1::Usage Costing(int64_t nanos, bool known) {
  llmgateway::v1::Usage usage;
  usage.set_cost_usd_nanos(nanos);
  usage.set_cost_known(known);
  return usage;
}

TEST(ChargedCostTest, WhatIsKnownIsCharged) {
  EXPECT_EQ(ChargedNanos(Costing(7, true)), 7);
  EXPECT_EQ(ChargedNanos(Costing(0, true)), 0);
}

TEST(ChargedCostTest, ATierWithoutAPriceIsChargedTheStandardOne) {
  EXPECT_EQ(ChargedNanos(Costing(7, false)), 7);
}

TEST(ChargedCostTest, AModelWithoutAPriceIsChargedNothing) {
  EXPECT_EQ(ChargedNanos(Costing(0, false)), std::nullopt);
}

TEST(ChargedCostTest, ASumThatDoesNotFitStaysAtTheLargest) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(AddCharges(3, 4), 7);
  EXPECT_EQ(AddCharges(kMost - 1, 1), kMost);
  EXPECT_EQ(AddCharges(kMost, 1), kMost);
  EXPECT_EQ(AddCharges(kMost, kMost), kMost);
}

}  // namespace
}  // namespace gateway
