#include "service/resilience/target_availability.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

using By = TargetAvailability::By;

TEST(TargetAvailabilityTest, WhoDisabledItAndWhyIsKeptUntilItIsEnabled) {
  TargetAvailability target;
  EXPECT_FALSE(target.disabled());
  EXPECT_FALSE(target.Enable());
  EXPECT_TRUE(target.Disable(By::kOperator, "by alice: too dear"));
  EXPECT_TRUE(target.disabled());
  EXPECT_EQ(target.Read().by, By::kOperator);
  EXPECT_EQ(target.Read().why, "by alice: too dear");
  EXPECT_FALSE(target.Disable(By::kOperator, "by alice: too dear"));
  EXPECT_TRUE(target.Disable(By::kOperator, "by bob"));
  EXPECT_TRUE(target.Enable());
  EXPECT_FALSE(target.disabled());
  EXPECT_EQ(target.Read().why, "");
}

TEST(TargetAvailabilityTest, FailuresDoNotChangeWhatAnOperatorHasSaid) {
  TargetAvailability target;
  EXPECT_TRUE(target.Disable(By::kOperator, "by alice"));
  EXPECT_FALSE(target.Disable(By::kFailures, "by 3 failures"));
  EXPECT_EQ(target.Read().why, "by alice");
  EXPECT_FALSE(target.EnableAfterFailures());
  EXPECT_TRUE(target.disabled());
}

TEST(TargetAvailabilityTest, WhatFailuresDisabledAnOperatorMayDisableToo) {
  TargetAvailability target;
  EXPECT_TRUE(target.Disable(By::kFailures, "by 3 failures"));
  EXPECT_TRUE(target.Disable(By::kOperator, "by alice"));
  EXPECT_FALSE(target.EnableAfterFailures());
  EXPECT_TRUE(target.Enable());
  EXPECT_TRUE(target.Disable(By::kFailures, "by 3 failures"));
  EXPECT_TRUE(target.EnableAfterFailures());
  EXPECT_FALSE(target.disabled());
}

TEST(TargetAvailabilityTest, ASuccessOrAnOperatorEndsARowOfFailures) {
  TargetAvailability target;
  EXPECT_EQ(target.RecordFailure(), 1);
  EXPECT_EQ(target.RecordFailure(), 2);
  target.RecordSuccess();
  EXPECT_EQ(target.failures_in_a_row(), 0);
  EXPECT_EQ(target.RecordFailure(), 1);
  target.Enable();
  EXPECT_EQ(target.RecordFailure(), 1);
}

}  // namespace
}  // namespace gateway
