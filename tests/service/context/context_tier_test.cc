#include "service/context/context_tier.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr int64_t kLimit = 8192;
constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();

int Tier(int64_t tokens) { return ContextTier({tokens, kLimit}); }

TEST(ContextTierTest, AQuarterOfTheLimitBeginsTheNextTier) {
  EXPECT_EQ(Tier(0), 1);
  EXPECT_EQ(Tier(2047), 1);
  EXPECT_EQ(Tier(2048), 2);
  EXPECT_EQ(Tier(4095), 2);
  EXPECT_EQ(Tier(4096), 3);
  EXPECT_EQ(Tier(6143), 3);
  EXPECT_EQ(Tier(6144), 4);
  EXPECT_EQ(Tier(kLimit * 10), 4);
}

TEST(ContextTierTest, WithoutALimitAnyContextIsFull) {
  EXPECT_EQ(ContextTier({0, 0}), 4);
  EXPECT_EQ(ContextTier({1, 0}), 4);
  EXPECT_EQ(ContextTier({1, -1}), 4);
}

TEST(ContextTierTest, HugeNumbersDoNotOverflow) {
  EXPECT_EQ(ContextTier({kLargest, kLargest}), 4);
  EXPECT_EQ(ContextTier({kLargest / 2, kLargest}), 2);
  EXPECT_EQ(ContextTier({1, kLargest}), 1);
  EXPECT_EQ(HeadroomPercent({1, kLargest}), 99);
  EXPECT_EQ(HeadroomPercent({kLargest / 2, kLargest}), 50);
  EXPECT_FALSE(IsNearlyFull({kLargest / 2, kLargest}));
  EXPECT_TRUE(IsNearlyFull({kLargest, kLargest}));
}

TEST(ContextTierTest, HeadroomIsWholePercentsOfWhatIsLeft) {
  EXPECT_EQ(HeadroomPercent({3000, kLimit}), 63);
  EXPECT_EQ(HeadroomPercent({0, kLimit}), 100);
  EXPECT_EQ(HeadroomPercent({kLimit - 1, kLimit}), 0);
  EXPECT_EQ(HeadroomPercent({kLimit, kLimit}), 0);
  EXPECT_EQ(HeadroomPercent({kLimit + 1, kLimit}), 0);
  EXPECT_EQ(HeadroomPercent({0, 0}), 0);
  EXPECT_EQ(HeadroomPercent({0, -5}), 0);
}

TEST(ContextTierTest, NearlyFullIsMoreThan85Percent) {
  EXPECT_FALSE(IsNearlyFull({850, 1000}));
  EXPECT_TRUE(IsNearlyFull({851, 1000}));
}

TEST(ContextTierTest, ModesAreReadWhateverTheirCaseAndSpace) {
  EXPECT_EQ(ContextModeOf("none"), ContextMode::kNone);
  EXPECT_EQ(ContextModeOf(" Validate\t"), ContextMode::kValidate);
  EXPECT_EQ(ContextModeOf("OPTIMIZE"), ContextMode::kOptimize);
  EXPECT_EQ(ContextModeOf("plan"), ContextMode::kPlan);
  EXPECT_EQ(ContextModeOf("auto"), ContextMode::kAuto);
}

TEST(ContextTierTest, AnyOtherModeIsAuto) {
  EXPECT_EQ(ContextModeOf(""), ContextMode::kAuto);
  EXPECT_EQ(ContextModeOf("of course"), ContextMode::kAuto);
  EXPECT_EQ(ContextModeOf("nones"), ContextMode::kAuto);
}

// Of a context of the tier, what is done with it in a mode.
ContextPlan PlanOf(int tier, ContextMode mode) {
  return PlanContext({kLimit * (tier - 1) / 4, kLimit}, mode);
}

TEST(ContextTierTest, LeftToUsTheTierDecides) {
  const ContextAction actions[] = {
      ContextAction::kNone, ContextAction::kValidate, ContextAction::kOptimize,
      ContextAction::kPlan};
  for (int tier = 1; tier <= 4; ++tier) {
    const ContextPlan plan = PlanOf(tier, ContextMode::kAuto);
    EXPECT_EQ(plan.tier, tier);
    EXPECT_EQ(plan.action, actions[tier - 1]);
    EXPECT_EQ(plan.routed, tier >= 2) << tier;
    EXPECT_EQ(plan.needs_service, tier >= 3) << tier;
  }
}

TEST(ContextTierTest, WhoAsksForAnActionGetsIt) {
  for (const ContextMode mode :
       {ContextMode::kValidate, ContextMode::kOptimize, ContextMode::kPlan}) {
    for (int tier = 1; tier <= 4; ++tier) {
      const ContextPlan plan = PlanOf(tier, mode);
      EXPECT_EQ(plan.tier, tier);
      EXPECT_EQ(plan.action, mode);
      EXPECT_TRUE(plan.routed);
      EXPECT_EQ(plan.needs_service, tier >= 3) << tier;
    }
  }
}

TEST(ContextTierTest, WhoWantsNothingDoneNeedsNoService) {
  for (int tier = 1; tier <= 4; ++tier) {
    const ContextPlan plan = PlanOf(tier, ContextMode::kNone);
    EXPECT_EQ(plan.tier, tier);
    EXPECT_EQ(plan.action, ContextAction::kNone);
    EXPECT_FALSE(plan.routed);
    EXPECT_FALSE(plan.needs_service);
  }
}

}  // namespace
}  // namespace gateway
