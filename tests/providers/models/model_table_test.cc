#include "providers/models/model_table.h"

#include "gtest/gtest.h"
#include "providers/models/model_facts.h"

namespace gateway {
namespace {

TEST(ModelTableTest, KnowsTheModelsOfEveryVendor) {
  struct Case {
    const char* vendor;
    const char* model;
  };
  for (const Case& each :
       {Case{"openai", "gpt-4o"}, Case{"anthropic", "claude-sonnet-4-5"},
        Case{"gemini", "gemini-2.5-pro"}, Case{"deepseek", "deepseek-chat"},
        Case{"azure_openai", "gpt-4o"},
        Case{"openrouter", "deepseek/deepseek-chat"}}) {
    const ModelFacts* const facts = FindModelFacts(each.vendor, each.model);
    ASSERT_NE(facts, nullptr) << each.vendor << " " << each.model;
    EXPECT_GT(facts->input_tokens_limit, 0) << each.model;
    EXPECT_FALSE(facts->limits_are_certain) << each.model;
    EXPECT_EQ(facts->has & ~facts->known, 0) << each.model;
  }
}

TEST(ModelTableTest, SaysWhatAModelLacks) {
  const ModelFacts& seeing = *FindModelFacts("openai", "gpt-4o");
  EXPECT_FALSE(seeing.Lacks(kAbilityImageInput));
  EXPECT_TRUE(seeing.Lacks(kAbilityReasoning));
  const ModelFacts& blind = *FindModelFacts("openai", "gpt-3.5-turbo");
  EXPECT_TRUE(blind.Lacks(kAbilityImageInput));
  EXPECT_FALSE(blind.Lacks(kAbilityTools));
}

TEST(ModelTableTest, KnowsNothingOfOthers) {
  EXPECT_EQ(FindModelFacts("openai", "claude-sonnet-4-5"), nullptr);
  EXPECT_EQ(FindModelFacts("", ""), nullptr);
}

}  // namespace
}  // namespace gateway
