#include "service/context/context_estimate.h"

#include <cstdint>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ContextEstimateTest, AFamilyHasItsOwnCharactersPerToken) {
  const struct {
    std::string_view model;
    int64_t tokens;  // Of 1000 characters.
  } kModels[] = {
      {"qwen-2.5", 285},      {"codellama-34b", 263},
      {"deepseek-chat", 312}, {"llama-3.3-70b", 285},
      {"gpt-5.2", 250},       {"claude-opus-4-5", 263},
      {"mistral-large", 250}, {"", 250},
  };
  for (const auto& each : kModels) {
    EXPECT_EQ(EstimateContextTokens(each.model, 1000, 0), each.tokens)
        << each.model;
  }
}

TEST(ContextEstimateTest, TheFirstFamilyInTheNameCounts) {
  // Qwen before llama, and deepseek before llama.
  EXPECT_EQ(EstimateContextTokens("llama-qwen", 35, 0), 10);
  EXPECT_EQ(EstimateContextTokens("deepseek-r1-distill-llama", 32, 0), 10);
}

TEST(ContextEstimateTest, NamesAreReadWhateverTheirCase) {
  EXPECT_EQ(EstimateContextTokens("Qwen-2.5", 35, 0), 10);
  EXPECT_EQ(ContextLimitOf("GPT-5.2"), 128000);
}

TEST(ContextEstimateTest, CharactersAreRoundedDownAndMessagesCostFour) {
  EXPECT_EQ(EstimateContextTokens("gpt-5.2", 3, 0), 0);
  EXPECT_EQ(EstimateContextTokens("gpt-5.2", 4, 0), 1);
  EXPECT_EQ(EstimateContextTokens("gpt-5.2", 7, 3), 13);
  EXPECT_EQ(EstimateContextTokens("qwen", 34, 0), 9);
  EXPECT_EQ(EstimateContextTokens("qwen", 35, 0), 10);
}

TEST(ContextLimitTest, ModelsOfTheTableHaveTheirLimits) {
  const struct {
    std::string_view model;
    int64_t limit;
  } kModels[] = {
      {"gpt-5.2", 128000},         {"gpt-5.2-nano", 128000},
      {"claude-opus-4-5", 200000}, {"gemini-2.0-flash", 1048576},
      {"gemini-1.5-pro", 2097152}, {"gemini-1.5-flash", 1048576},
      {"gemini-pro", 32768},       {"deepseek-reasoner", 64000},
  };
  for (const auto& each : kModels) {
    EXPECT_EQ(ContextLimitOf(each.model), each.limit) << each.model;
  }
}

TEST(ContextLimitTest, ANameThatContainsAKnownOneIsOfThatModel) {
  EXPECT_EQ(ContextLimitOf("claude-sonnet-4-5-20250929"), 200000);
  EXPECT_EQ(ContextLimitOf("models/gemini-1.5-pro-latest"), 2097152);
}

TEST(ContextLimitTest, ANamePartOfAKnownOneIsOfTheFirstSuchModel) {
  EXPECT_EQ(ContextLimitOf("gemini-1.5"), 2097152);
  EXPECT_EQ(ContextLimitOf("claude"), 200000);
}

TEST(ContextLimitTest, OtherModelsHaveTheDefault) {
  EXPECT_EQ(ContextLimitOf("mistral-large"), 8192);
  EXPECT_EQ(ContextLimitOf(""), 8192);
}

}  // namespace
}  // namespace gateway
