#include "service/routing/rollout.h"

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "service/routing/stable_hash.h"

namespace gateway {
namespace {

std::string CallerNumber(int i) { return "caller-" + std::to_string(i); }

TEST(StableHashTest, MixesTheBitsOfFnv) {
  // As fmix64 is published: it keeps zero.
  EXPECT_EQ(MixBits(0), 0u);
  EXPECT_EQ(StableHash("foobar"), MixBits(0x85944171f73967e8));
}

TEST(StableHashTest, IsAnotherForEachPurpose) {
  EXPECT_NE(StableHash("a", "rollout"), StableHash("a"));
  EXPECT_NE(StableHash("a", "rollout"), StableHash("a", "sticky"));
  // The purpose does not run into the text.
  EXPECT_NE(StableHash("bc", "a"), StableHash("c", "ab"));
}

TEST(StableHashTest, FlippingAnyBitChangesAboutHalf) {
  int changed = 0;
  constexpr int kTexts = 200;
  for (int i = 0; i < kTexts; ++i) {
    std::string text = CallerNumber(i);
    const uint64_t before = StableHash(text);
    text.back() ^= 1;
    const int bits = __builtin_popcountll(before ^ StableHash(text));
    EXPECT_GT(bits, 10);
    changed += bits;
  }
  EXPECT_NEAR(static_cast<double>(changed) / kTexts, 32, 2);
}

// Whoever changes these moves callers of running rollouts. (From the hash's
// definition, by another program.)
TEST(RolloutTest, PlacesAreTheSameForEver) {
  EXPECT_EQ(Rollout::PlaceOf(""), 7943);
  EXPECT_EQ(Rollout::PlaceOf("team-a"), 2991);
  EXPECT_EQ(Rollout::PlaceOf("team-b"), 2584);
}

TEST(RolloutTest, NobodyAndAll) {
  const Rollout nobody(0);
  const Rollout all(Rollout::kAll);
  for (int i = 0; i < 20'000; ++i) {
    EXPECT_FALSE(nobody.Includes(CallerNumber(i)));
    EXPECT_TRUE(all.Includes(CallerNumber(i)));
  }
}

TEST(RolloutTest, TheShareIsExactToAHundredthOfAPercent) {
  const int place = Rollout::PlaceOf("team-a");
  EXPECT_FALSE(Rollout(place).Includes("team-a"));
  EXPECT_TRUE(Rollout(place + 1).Includes("team-a"));
}

TEST(RolloutTest, WhoIsInStaysInWhileTheShareGrows) {
  for (int i = 0; i < 500; ++i) {
    bool included = false;
    for (int share = 0; share <= Rollout::kAll; share += 25) {
      const bool now = Rollout(share).Includes(CallerNumber(i));
      EXPECT_TRUE(now || !included) << i << " left at " << share;
      included = now;
    }
    EXPECT_TRUE(included);
  }
}

TEST(RolloutTest, AsManyAreInAsTheShareSays) {
  constexpr int kCallers = 100'000;
  for (const int share : {1, 100, 1250, 5000, 9999}) {
    const Rollout rollout(share);
    int in = 0;
    for (int i = 0; i < kCallers; ++i) in += rollout.Includes(CallerNumber(i));
    const double p = share / 10'000.0;
    // Five standard deviations of a fair draw.
    EXPECT_NEAR(in, kCallers * p, 5 * std::sqrt(kCallers * p * (1 - p)))
        << share;
  }
}

TEST(RolloutTest, PlacesAreSpreadEvenly) {
  constexpr int kCallers = 200'000;
  constexpr int kBins = 100;
  std::vector<int> bins(kBins);
  for (int i = 0; i < kCallers; ++i) {
    const int place = Rollout::PlaceOf(CallerNumber(i));
    ASSERT_GE(place, 0);
    ASSERT_LT(place, Rollout::kAll);
    ++bins[place * kBins / Rollout::kAll];
  }
  double chi_square = 0;
  for (const int count : bins) {
    const double expected = double{kCallers} / kBins;
    chi_square += (count - expected) * (count - expected) / expected;
  }
  // With 99 degrees of freedom, one fair draw in ten thousand is above 161.
  EXPECT_LT(chi_square, 161);
  EXPECT_GT(chi_square, 50);
}

TEST(RolloutTest, TheShareHasTwoDecimals) {
  EXPECT_EQ(Rollout::ShareOf(0), 0);
  EXPECT_EQ(Rollout::ShareOf(0.01), 1);
  EXPECT_EQ(Rollout::ShareOf(33.33), 3333);
  EXPECT_EQ(Rollout::ShareOf(99.99), 9999);
  EXPECT_EQ(Rollout::ShareOf(100), 10'000);
  EXPECT_EQ(Rollout::ShareOf(0.001), std::nullopt);
  EXPECT_EQ(Rollout::ShareOf(1e-9), std::nullopt);
  EXPECT_EQ(Rollout::ShareOf(33.335), std::nullopt);
  EXPECT_EQ(Rollout::ShareOf(-0.01), std::nullopt);
  EXPECT_EQ(Rollout::ShareOf(100.01), std::nullopt);
  EXPECT_EQ(Rollout::ShareOf(std::nan("")), std::nullopt);
  for (int share = 0; share <= Rollout::kAll; ++share) {
    EXPECT_EQ(Rollout::ShareOf(share / 100.0), share);
  }
}

TEST(RolloutTest, TheCallerIsTheSubjectThenTheUserThenTheRequest) {
  EXPECT_EQ(RolloutSubject("c", "u", "r"), "c");
  EXPECT_EQ(RolloutSubject("", "u", "r"), "u");
  EXPECT_EQ(RolloutSubject("", "", "r"), "r");
}

}  // namespace
}  // namespace gateway
