#include "service/routing/model_tier.h"

#include <optional>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

// The tiers that installations of old name in their configurations.
std::vector<ModelTierRule> CommonTiers() {
  return {{.tier = "opus", .contains = "opus"},
          {.tier = "sonnet", .contains = "sonnet"},
          {.tier = "haiku", .contains = "haiku"},
          {.tier = "gpt4", .contains = "gpt-4"},
          {.tier = "gpt35", .contains = "gpt-3.5"},
          {.tier = "deepseek", .contains = "deepseek"}};
}

TEST(ModelTiersTest, CommonTiersAreInTheNamesOfModels) {
  const ModelTiers tiers(CommonTiers());
  EXPECT_EQ(tiers.TierOf("claude-opus-4-1"), "opus");
  EXPECT_EQ(tiers.TierOf("claude-sonnet-4-5-20250929"), "sonnet");
  EXPECT_EQ(tiers.TierOf("claude-haiku-4-5"), "haiku");
  EXPECT_EQ(tiers.TierOf("gpt-4-turbo"), "gpt4");
  EXPECT_EQ(tiers.TierOf("gpt-3.5-turbo"), "gpt35");
  EXPECT_EQ(tiers.TierOf("deepseek-chat"), "deepseek");
  EXPECT_EQ(tiers.TierOf("some-unknown-model"), std::nullopt);
  EXPECT_EQ(tiers.TierOf("gpt-5"), std::nullopt);
  EXPECT_EQ(tiers.TierOf("gpt-3"), std::nullopt);
  EXPECT_EQ(tiers.TierOf(""), std::nullopt);
}

TEST(ModelTiersTest, NamesAreReadWithoutCase) {
  const ModelTiers tiers(CommonTiers());
  EXPECT_EQ(tiers.TierOf("anthropic/Claude-OPUS-4"), "opus");
  EXPECT_EQ(tiers.TierOf("GPT-4o"), "gpt4");
}

TEST(ModelTiersTest, TheFirstConfiguredTierIsTaken) {
  const std::vector<ModelTierRule> rules = {
      {.tier = "Best", .contains = "OPUS"},
      {.tier = "claude", .contains = "claude"},
      {.tier = "cheap", .contains = "haiku"},
      {.tier = "best", .contains = "o3"},
  };
  const ModelTiers tiers(rules);
  EXPECT_EQ(tiers.TierOf("claude-opus"), "best");
  EXPECT_EQ(tiers.TierOf("claude-haiku"), "claude");
  EXPECT_EQ(tiers.TierOf("my-haiku"), "cheap");
  EXPECT_EQ(tiers.TierOf("o3-mini"), "best");
  EXPECT_EQ(ModelTiers(CommonTiers()).TierOf("deepseek-opus"), "opus");
}

TEST(ModelTiersTest, ATierIsAskedForByItsName) {
  const std::vector<ModelTierRule> rules = {
      {.tier = "Fast"}, {.tier = "opus", .contains = "opus"}};
  const ModelTiers tiers(rules);
  EXPECT_EQ(tiers.TierOf("tier:fast"), "fast");
  EXPECT_EQ(tiers.TierOf("tier:FAST"), "fast");
  EXPECT_EQ(tiers.TierOf("tier:opus"), "opus");
  // What is asked for by name is not looked for in names.
  EXPECT_EQ(tiers.TierOf("tier:opus-4"), std::nullopt);
  EXPECT_EQ(tiers.TierOf("tier:"), std::nullopt);
  // A tier without a text is in no name.
  EXPECT_EQ(tiers.TierOf("fast"), std::nullopt);
}

TEST(ModelTiersTest, TellsWhetherATierIsAskedFor) {
  EXPECT_EQ(ModelTiers::NamedTier("tier:Fast"), "Fast");
  EXPECT_EQ(ModelTiers::NamedTier("tier:"), "");
  EXPECT_EQ(ModelTiers::NamedTier("tier"), std::nullopt);
  EXPECT_EQ(ModelTiers::NamedTier("my-tier:fast"), std::nullopt);
}

}  // namespace
}  // namespace gateway
