#include "service/resilience/deadline_split.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

constexpr AttemptLimits kConfigured = {.connect = absl::Seconds(3),
                                       .first_byte = absl::Seconds(60),
                                       .first_content = absl::Seconds(90),
                                       .idle = absl::Seconds(120),
                                       .total = absl::Seconds(600)};

TEST(DeadlineSplitTest, WithTimeToSpareAllIsAsConfigured) {
  for (const bool streams : {false, true}) {
    EXPECT_EQ(SplitDeadline(kConfigured, {.remaining = absl::Seconds(900),
                                          .attempts_left = 3,
                                          .streams = streams}),
              kConfigured);
    EXPECT_EQ(
        SplitDeadline(kConfigured, {.attempts_left = 3, .streams = streams}),
        kConfigured)
        << "without a deadline";
  }
}

TEST(DeadlineSplitTest, AStreamHasItsShareUntilItsFirstContent) {
  const std::optional<AttemptLimits> limits = SplitDeadline(
      kConfigured,
      {.remaining = absl::Seconds(60), .attempts_left = 3, .streams = true});
  ASSERT_TRUE(limits.has_value());
  EXPECT_EQ(limits->connect, absl::Seconds(3));
  EXPECT_EQ(limits->first_byte, absl::Seconds(20));
  EXPECT_EQ(limits->first_content, absl::Seconds(20));
  EXPECT_EQ(limits->idle, absl::Seconds(60));
  EXPECT_EQ(limits->total, absl::Seconds(60));
}

TEST(DeadlineSplitTest, TheLastAttemptHasAllThatRemains) {
  const std::optional<AttemptLimits> limits = SplitDeadline(
      kConfigured,
      {.remaining = absl::Seconds(2), .attempts_left = 1, .streams = true});
  ASSERT_TRUE(limits.has_value());
  EXPECT_EQ(limits->connect, absl::Seconds(2));
  EXPECT_EQ(limits->first_content, absl::Seconds(2));
  EXPECT_EQ(limits->total, absl::Seconds(2));
}

TEST(DeadlineSplitTest, AWholeAnswerIsNotCutForTheSakeOfTheNext) {
  const std::optional<AttemptLimits> limits = SplitDeadline(
      kConfigured,
      {.remaining = absl::Seconds(6), .attempts_left = 3, .streams = false});
  ASSERT_TRUE(limits.has_value());
  EXPECT_EQ(limits->first_byte, absl::Seconds(6));
  EXPECT_EQ(limits->first_content, absl::Seconds(6));
  EXPECT_EQ(limits->connect, absl::Seconds(2)) << "but to connect is quick";
}

TEST(DeadlineSplitTest, NoShareIsTooSmallToBeginIn) {
  const std::optional<AttemptLimits> limits = SplitDeadline(
      kConfigured,
      {.remaining = absl::Seconds(3), .attempts_left = 3, .streams = true});
  ASSERT_TRUE(limits.has_value());
  EXPECT_EQ(limits->first_content, absl::Seconds(2));
  const std::optional<AttemptLimits> less = SplitDeadline(
      kConfigured,
      {.remaining = absl::Seconds(1), .attempts_left = 3, .streams = true});
  EXPECT_EQ(less->first_content, absl::Seconds(1));
  EXPECT_EQ(less->connect, absl::Seconds(1));
}

TEST(DeadlineSplitTest, WhatComesEarlierIsNoLongerThanWhatComesLater) {
  const std::optional<AttemptLimits> limits = SplitDeadline(
      {.first_content = absl::Seconds(1)}, {.remaining = absl::Seconds(60)});
  EXPECT_EQ(limits->connect, absl::Seconds(1));
  EXPECT_EQ(limits->first_byte, absl::Seconds(1));
  EXPECT_EQ(limits->total, absl::Seconds(60));
  const std::optional<AttemptLimits> total =
      SplitDeadline({.total = absl::Seconds(5)}, {.streams = true});
  EXPECT_EQ(total->connect, absl::Seconds(5));
  EXPECT_EQ(total->first_content, absl::Seconds(5));
  EXPECT_EQ(total->idle, absl::Seconds(5));
}

TEST(DeadlineSplitTest, NobodyIsAskedWhenTimeIsUp) {
  const auto begins = [](absl::Duration remaining) {
    return SplitDeadline(kConfigured, {.remaining = remaining}).has_value();
  };
  EXPECT_FALSE(begins(-absl::Seconds(1)));
  EXPECT_FALSE(begins(absl::ZeroDuration()));
  EXPECT_FALSE(begins(absl::Milliseconds(10) - absl::Nanoseconds(1)));
  EXPECT_TRUE(begins(absl::Milliseconds(10)));
}

TEST(DeadlineSplitTest, AWaitIsWorthItIfAnAttemptFitsBehindIt) {
  const DeadlineBudget budget = {.remaining = absl::Milliseconds(1000)};
  EXPECT_TRUE(LeavesTimeAfter(absl::Milliseconds(990), budget));
  EXPECT_FALSE(LeavesTimeAfter(absl::Milliseconds(991), budget));
  EXPECT_TRUE(LeavesTimeAfter(absl::Hours(1), {}));
  EXPECT_TRUE(LeavesTimeAfter(absl::InfiniteDuration(), {}));
}

TEST(DeadlineSplitTest, NoAttemptOutlastsTheCallerWhateverIsConfigured) {
  FakeRandom random{3};
  const auto drawn = [&random](uint64_t most_ms) {
    return random.Below(8) == 0 ? absl::InfiniteDuration()
                                : absl::Milliseconds(1 + random.Below(most_ms));
  };
  for (int i = 0; i < 20'000; ++i) {
    const AttemptLimits configured = {.connect = drawn(5'000),
                                      .first_byte = drawn(100'000),
                                      .first_content = drawn(100'000),
                                      .idle = drawn(100'000),
                                      .total = drawn(600'000)};
    absl::Duration left = absl::Milliseconds(random.Below(200'000));
    const bool streams = random.Below(2) == 0;
    const int attempts = static_cast<int>(1 + random.Below(5));
    int made = 0;
    for (int n = attempts; n > 0; --n) {
      const std::optional<AttemptLimits> limits = SplitDeadline(
          configured,
          {.remaining = left, .attempts_left = n, .streams = streams});
      if (!limits.has_value()) break;
      ++made;
      ASSERT_LE(limits->total, left);
      ASSERT_LE(limits->total, configured.total);
      ASSERT_LE(limits->idle, std::min(limits->total, configured.idle));
      ASSERT_LE(limits->first_content,
                std::min(limits->total, configured.first_content));
      ASSERT_LE(limits->first_byte,
                std::min(limits->first_content, configured.first_byte));
      ASSERT_LE(limits->connect,
                std::min(limits->first_content, configured.connect));
      ASSERT_GT(limits->connect, absl::ZeroDuration());
      // The attempt hangs until it is given up.
      left -= limits->first_content;
      ASSERT_GE(left, absl::ZeroDuration());
    }
    // Who has two seconds for each stream asks as often as may be.
    if (streams && attempts > 1 && made < attempts) {
      ASSERT_LT(left, absl::Seconds(2) * (attempts - made));
    }
  }
}

}  // namespace
}  // namespace gateway
