#include "providers/models/model_family.h"

#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string_view FamilyNameOf(std::string_view model) {
  const ModelFamily* const family = FamilyOf(model);
  return family == nullptr ? "" : family->beginning;
}

TEST(ModelFamilyTest, TheLongestKnownBeginningCounts) {
  EXPECT_EQ(FamilyNameOf("claude-opus-5"), "claude-opus-5");
  EXPECT_EQ(FamilyNameOf("claude-opus-5-20260901"), "claude-opus-5");
  EXPECT_EQ(FamilyNameOf("claude-opus-5-5"), "claude-opus-5-5");
  EXPECT_EQ(FamilyNameOf("claude-opus-4-20250514"), "claude-opus-4");
  EXPECT_EQ(FamilyNameOf("claude-opus-4-1-20250805"), "claude-opus-4-1");
  EXPECT_EQ(FamilyNameOf("claude-opus-4-10"), "claude-opus-4");
  EXPECT_EQ(FamilyNameOf("gemini-3.1-pro-preview"), "gemini-3-1-pro");
}

TEST(ModelFamilyTest, WhoServesItMakesNoDifference) {
  EXPECT_EQ(FamilyNameOf("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            "claude-sonnet-4-5");
  EXPECT_EQ(FamilyNameOf("anthropic/claude-opus-4.5"), "claude-opus-4-5");
  EXPECT_EQ(FamilyNameOf("claude-sonnet-4@20250514"), "claude-sonnet-4");
}

TEST(ModelFamilyTest, ANewNameIsTakenForTheNewestOfItsLine) {
  EXPECT_EQ(FamilyNameOf("claude-opus-6"), "claude-opus");
  EXPECT_EQ(FamilyOf("claude-opus-6")->thinking,
            FamilyOf("claude-opus-5-5")->thinking);
}

TEST(ModelFamilyTest, OthersAreNotKnown) {
  for (const std::string_view model :
       {"", "gpt-4o", "claude-x", "not-claude-opus-5", "gemini-x"}) {
    EXPECT_EQ(FamilyOf(model), nullptr) << model;
  }
}

TEST(ModelFamilyTest, AnEffortIsTheNextAboveOrTheHighest) {
  constexpr uint8_t kSome = kEffortLow | kEffortHigh;
  EXPECT_EQ(NearestEffort(kSome, kEffortLow), kEffortLow);
  EXPECT_EQ(NearestEffort(kSome, kEffortMedium), kEffortHigh);
  EXPECT_EQ(NearestEffort(kSome, kEffortMax), kEffortHigh);
  EXPECT_EQ(NearestEffort(kEffortLow, kEffortMax), kEffortLow);
}

TEST(ModelFamilyTest, AFamilyKnowsBetterThanTheTable) {
  ModelFacts facts;
  facts.known = facts.has = kAbilityStrictSchema;
  AddFamilyFacts("claude-3-haiku-20240307", &facts);
  EXPECT_TRUE(facts.Lacks(kAbilityStrictSchema));
  facts = ModelFacts();
  AddFamilyFacts("claude-sonnet-4-5", &facts);
  EXPECT_TRUE(facts.has & kAbilityStrictSchema);
  // Single models may lack what their family has.
  facts.has = 0;
  AddFamilyFacts("claude-sonnet-4-5", &facts);
  EXPECT_TRUE(facts.Lacks(kAbilityStrictSchema));
}

TEST(ModelFamilyTest, ItsLimitCountsWhereTheTableHasNone) {
  ModelFacts facts;
  AddFamilyFacts("claude-opus-5-5", &facts);
  EXPECT_EQ(facts.output_tokens_limit, 128000);
  EXPECT_FALSE(facts.limits_are_certain);
  facts.output_tokens_limit = 9;
  AddFamilyFacts("claude-opus-5-5", &facts);
  EXPECT_EQ(facts.output_tokens_limit, 9);
}

TEST(ModelFamilyTest, TheNewestGeminisSignTheirCalls) {
  for (const std::string_view model :
       {"gemini-3-flash-preview", "gemini-4-argon", "gemini-flash-latest",
        "gemini-flash-lite-latest", "gemini-pro-latest"}) {
    ASSERT_NE(FamilyOf(model), nullptr) << model;
    EXPECT_TRUE(FamilyOf(model)->signs_calls) << model;
  }
  EXPECT_FALSE(FamilyOf("gemini-2.5-flash")->signs_calls);
}

}  // namespace
}  // namespace gateway
