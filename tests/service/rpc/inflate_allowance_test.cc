#include "service/rpc/inflate_allowance.h"

#include <cstddef>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

constexpr size_t kMiB = 1024 * 1024;
constexpr size_t kAllowance = 100 * kMiB;
constexpr size_t kAnySize = 1024 * kMiB;

class InflateAllowanceTest : public testing::Test {
 protected:
  // How much more than its ratio a byte may inflate to now.
  size_t Left() { return allowance_.LimitFor(1, kAnySize) - kInflateRatio; }

  FakeClock clock_;
  InflateAllowance allowance_{kAllowance, clock_};
};

TEST_F(InflateAllowanceTest, WhatTextInflatesToIsFree) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_GE(allowance_.LimitFor(kMiB, kAnySize), kInflateRatio * kMiB);
    allowance_.Spend(kMiB, kInflateRatio * kMiB);
  }
  EXPECT_EQ(Left(), kAllowance);
}

TEST_F(InflateAllowanceTest, WhatGoesBeyondIsTakenFromTheAllowance) {
  EXPECT_EQ(allowance_.LimitFor(1000, kAnySize),
            1000 * kInflateRatio + kAllowance);
  allowance_.Spend(1000, 1000 * kInflateRatio + 40 * kMiB);
  EXPECT_EQ(Left(), 60 * kMiB);
  allowance_.Spend(1, kInflateRatio + 60 * kMiB);
  EXPECT_EQ(Left(), 0u);
}

TEST_F(InflateAllowanceTest, AMessageHasItsOwnLimitToo) {
  EXPECT_EQ(allowance_.LimitFor(1, 4 * kMiB), 4 * kMiB);
  EXPECT_EQ(allowance_.LimitFor(kMiB, 4 * kMiB), 4 * kMiB);
}

TEST_F(InflateAllowanceTest, ComesBackWithTime) {
  allowance_.LimitFor(1, kAnySize);
  allowance_.Spend(1, kInflateRatio + kAllowance);
  EXPECT_EQ(Left(), 0u);
  clock_.Advance(kInflateRefillTime / 10);
  EXPECT_EQ(Left(), 10 * kMiB);
  clock_.Advance(100 * kInflateRefillTime);
  EXPECT_EQ(Left(), kAllowance);
}

TEST_F(InflateAllowanceTest, IsNeverLessThanALargeMessage) {
  InflateAllowance small(1, clock_);
  EXPECT_EQ(small.LimitFor(0, kAnySize), 64 * kMiB);
}

}  // namespace
}  // namespace gateway
