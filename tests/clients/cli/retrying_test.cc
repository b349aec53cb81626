#include "clients/cli/retrying.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(RetryingTest, WhatSucceedsAtOnceIsDoneOnce) {
  int attempts = 0;
  EXPECT_TRUE(RetryFor(absl::Hours(1), [&] {
    ++attempts;
    return true;
  }));
  EXPECT_EQ(attempts, 1);
}

TEST(RetryingTest, WithoutAWaitThereIsOneAttempt) {
  int attempts = 0;
  EXPECT_FALSE(RetryFor(absl::ZeroDuration(), [&] {
    ++attempts;
    return false;
  }));
  EXPECT_EQ(attempts, 1);
}

TEST(RetryingTest, ItGoesOnUntilItSucceeds) {
  int attempts = 0;
  EXPECT_TRUE(RetryFor(absl::Hours(1), [&] { return ++attempts == 3; }));
  EXPECT_EQ(attempts, 3);
}

TEST(RetryingTest, TheLastAttemptIsMadeWhenTheWaitIsOver) {
  int attempts = 0;
  EXPECT_FALSE(RetryFor(absl::Milliseconds(1), [&] {
    ++attempts;
    return false;
  }));
  EXPECT_GE(attempts, 2);
}

}  // namespace
}  // namespace gateway
