#include "service/routing/selection/model_capability.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/models/model_facts.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;

constexpr CapabilitySet kAllCapabilities = 0xffff;

TEST(ModelCapabilityTest, EveryNameStandsForItsBit) {
  const std::vector<std::string_view> names = CapabilityNames(kAllCapabilities);
  ASSERT_EQ(names.size(), 16u);
  for (size_t i = 0; i < names.size(); ++i) {
    const auto capability = static_cast<Capability>(1u << i);
    EXPECT_EQ(CapabilityName(capability), names[i]);
    EXPECT_EQ(*ParseCapability(names[i]), capability) << names[i];
  }
}

TEST(ModelCapabilityTest, TheNineOfThePublishedFormatAreAmongThem) {
  EXPECT_EQ(CapabilityText(0x1ff),
            "streaming, function_calling, vision, reasoning, web_search, "
            "long_context, creative_writing, code_generation, json_mode");
}

TEST(ModelCapabilityTest, EveryAbilityOfAModelIsACapability) {
  ModelFacts facts;
  facts.has = 0xffff;
  const std::vector<std::string> words = facts.AbilityNames();
  ASSERT_EQ(words.size(), 11u);
  CapabilitySet all = 0;
  for (const std::string& word : words) {
    ASSERT_TRUE(ParseCapability(word).ok()) << word;
    EXPECT_EQ(AbilityWord(*ParseCapability(word)), word);
    all |= *ParseCapability(word);
  }
  // What is left is nothing that ModelFacts knows of.
  EXPECT_THAT(CapabilityNames(kAllCapabilities & ~all),
              ElementsAre("web_search", "long_context", "creative_writing",
                          "code_generation", "json_mode"));
  EXPECT_EQ(AbilityWord(kCapabilityWebSearch), "");
}

TEST(ModelCapabilityTest, BothVocabulariesAreUnderstood) {
  EXPECT_EQ(*ParseCapability("tools"), kCapabilityFunctionCalling);
  EXPECT_EQ(*ParseCapability("image_input"), kCapabilityVision);
}

TEST(ModelCapabilityTest, AnUnknownNameIsToldWhatThereIs) {
  for (const char* name : {"", "web", "Streaming", "streaming "}) {
    EXPECT_EQ(ParseCapability(name).status().code(),
              absl::StatusCode::kInvalidArgument)
        << name;
  }
  EXPECT_EQ(
      ParseCapability("web").status().message(),
      "'web' is no capability; there are " + CapabilityText(kAllCapabilities));
}

TEST(ModelCapabilityTest, ASetIsNamedInTheOrderOfItsBits) {
  EXPECT_EQ(CapabilityText(kCapabilityJsonMode | kCapabilityStreaming),
            "streaming, json_mode");
  EXPECT_EQ(CapabilityText(0), "");
}

TEST(ModelCapabilityTest, WhatIsLackingIsWhatIsNeededAndNotThere) {
  EXPECT_EQ(LackingOf(0, 0), 0u);
  EXPECT_EQ(LackingOf(kCapabilityVision, 0), 0u);
  EXPECT_EQ(LackingOf(kCapabilityVision, kCapabilityVision), 0u);
  EXPECT_EQ(
      LackingOf(kCapabilityVision, kCapabilityVision | kCapabilityReasoning),
      kCapabilityReasoning);
}

TEST(ModelCapabilityTest, ACapabilityHasInItWhatItImplies) {
  EXPECT_EQ(LackingOf(kCapabilityStrictSchema, kCapabilityJsonMode), 0u);
  EXPECT_EQ(LackingOf(kCapabilityJsonMode, kCapabilityStrictSchema),
            kCapabilityStrictSchema);
  EXPECT_EQ(LackingOf(kCapabilityParallelTools, kCapabilityFunctionCalling),
            0u);
  EXPECT_EQ(LackingOf(kCapabilityFunctionCalling, kCapabilityParallelTools),
            kCapabilityParallelTools);
}

}  // namespace
}  // namespace gateway
