#include "providers/models/model_facts.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ModelFactsTest, WhatIsNotKnownIsNotLacking) {
  ModelFacts facts;
  EXPECT_FALSE(facts.Lacks(kAbilityTools));
  facts.known = kAbilityTools | kAbilityImageInput;
  facts.has = kAbilityImageInput;
  EXPECT_TRUE(facts.Lacks(kAbilityTools));
  EXPECT_FALSE(facts.Lacks(kAbilityImageInput));
  EXPECT_FALSE(facts.Lacks(kAbilityReasoning));
  EXPECT_THAT(facts.AbilityNames(), ElementsAre("image_input"));
  EXPECT_THAT(ModelFacts().AbilityNames(), IsEmpty());
}

TEST(ModelFactsTest, TheConfigurationHasTheLastWord) {
  ModelFacts facts;
  facts.known = facts.has = kAbilityTools | kAbilityReasoning;
  facts.input_tokens_limit = 1000;
  llmgateway::config::v1::ModelCapabilities config;
  Override(config, &facts);
  EXPECT_TRUE(facts.has & kAbilityTools);
  EXPECT_FALSE(facts.limits_are_certain);
  config.set_tools(false);
  config.set_audio_input(true);
  config.set_input_tokens_limit(4096);
  Override(config, &facts);
  EXPECT_TRUE(facts.Lacks(kAbilityTools));
  EXPECT_EQ(facts.input_tokens_limit, 4096);
  EXPECT_TRUE(facts.limits_are_certain);
  EXPECT_THAT(facts.AbilityNames(), ElementsAre("audio_input", "reasoning"));
}

}  // namespace
}  // namespace gateway
