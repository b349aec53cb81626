#include "service/resilience/backoff.h"

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"
#include "base/os/random.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

// Always draws the same number.
class ConstantRandom final : public Random {
 public:
  explicit ConstantRandom(uint64_t bits) : bits_(bits) {}
  uint64_t Bits() override { return bits_; }

 private:
  const uint64_t bits_;
};

// 100 ms, 300 ms, 900 ms, 1 s, 1 s, ...
const Backoff kBackoff({.base = absl::Milliseconds(100),
                        .multiplier = 3,
                        .limit = absl::Seconds(1)});

absl::Duration LongestAfter(int failures) {
  ConstantRandom most(~uint64_t{0});
  return kBackoff.Delay(failures, most);
}

TEST(BackoffTest, GrowsByTheMultiplierUpToTheLimit) {
  const auto nearly = [](absl::Duration actual, absl::Duration expected) {
    return actual <= expected && actual > expected * 0.999;
  };
  EXPECT_TRUE(nearly(LongestAfter(1), absl::Milliseconds(100)));
  EXPECT_TRUE(nearly(LongestAfter(2), absl::Milliseconds(300)));
  EXPECT_TRUE(nearly(LongestAfter(3), absl::Milliseconds(900)));
  EXPECT_TRUE(nearly(LongestAfter(4), absl::Seconds(1)));
  EXPECT_TRUE(nearly(LongestAfter(5), absl::Seconds(1)));
  EXPECT_TRUE(nearly(LongestAfter(1'000'000'000), absl::Seconds(1)));
}

TEST(BackoffTest, MayBeNothingAtAll) {
  ConstantRandom least(0);
  for (int failures : {1, 2, 10}) {
    EXPECT_EQ(kBackoff.Delay(failures, least), absl::ZeroDuration());
  }
}

TEST(BackoffTest, SpreadsCallersOverTheWholeRange) {
  FakeRandom random{7};
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest;
  absl::Duration sum;
  constexpr int kDraws = 10'000;
  for (int i = 0; i < kDraws; ++i) {
    const absl::Duration delay = kBackoff.Delay(2, random);
    ASSERT_GE(delay, absl::ZeroDuration());
    ASSERT_LT(delay, absl::Milliseconds(300));
    shortest = std::min(shortest, delay);
    longest = std::max(longest, delay);
    sum += delay;
  }
  EXPECT_LT(shortest, absl::Milliseconds(1));
  EXPECT_GT(longest, absl::Milliseconds(299));
  EXPECT_GT(sum / kDraws, absl::Milliseconds(140));
  EXPECT_LT(sum / kDraws, absl::Milliseconds(160));
}

TEST(BackoffTest, AMultiplierOfOneStays) {
  ConstantRandom most(~uint64_t{0});
  const Backoff level({.base = absl::Milliseconds(10),
                       .multiplier = 1,
                       .limit = absl::Seconds(1)});
  EXPECT_EQ(level.Delay(1, most), level.Delay(9, most));
}

TEST(BackoffTest, TheLimitHoldsForTheBaseToo) {
  ConstantRandom most(~uint64_t{0});
  const Backoff capped({.base = absl::Seconds(9),
                        .multiplier = 2,
                        .limit = absl::Seconds(1)});
  EXPECT_LE(capped.Delay(1, most), absl::Seconds(1));
}

}  // namespace
}  // namespace gateway
