#include "service/config/compatibility/llm_gateway_routing.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/config/config_problem.h"
#include "tests/service/config/compatibility/llm_gateway_file.h"

namespace gateway {
namespace {

using ::llmgateway::type::v1::Target;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LlmGatewayRoutingTest : public LlmGatewayFileTest {};

std::string TargetText(const Target& target) {
  return target.model().empty()
             ? target.provider()
             : absl::StrCat(target.provider(), "/", target.model());
}

TEST_F(LlmGatewayRoutingTest, RulesNameWhomTheyLeadTo) {
  const auto& routing =
      Load(LlmGatewayFile(
               ", deployment: codex",
               "agentRules: {code-reviewer: azure, python: deepseek},\n"
               "modelTierRules: {haiku: deepseek, opus: anthropic},\n"
               "fallbackChain: [anthropic, azure, deepseek]"))
          .routing();
  ASSERT_TRUE(problems_.empty());
  EXPECT_EQ(TargetText(routing.default_target()), "anthropic");
  EXPECT_EQ(routing.agent_rules(0).agent_type(), "code-reviewer");
  EXPECT_EQ(TargetText(routing.agent_rules(0).targets(0)), "azure/codex");
  EXPECT_EQ(TargetText(routing.agent_rules(1).targets(0)),
            "deepseek/deepseek-chat");
  // In the order in which that system looks for them.
  EXPECT_EQ(routing.model_tier_rules(0).tier(), "opus");
  EXPECT_EQ(TargetText(routing.model_tier_rules(0).targets(0)), "anthropic");
  EXPECT_THAT(routing.model_tier_rules(1).contains(), ElementsAre("haiku"));
  ASSERT_EQ(routing.fallbacks_size(), 3);
  EXPECT_EQ(TargetText(routing.fallbacks(1)), "azure/codex");
  EXPECT_THAT(routing.model_rules(), IsEmpty());
  EXPECT_FALSE(routing.agent_inference().enabled());
}

TEST_F(LlmGatewayRoutingTest, EveryTierHasItsModels) {
  const auto& routing =
      Load(LlmGatewayFile(
               "",
               "modelTierRules: {opus: azure, sonnet: azure, haiku: azure,"
               "gpt4: azure, gpt35: azure, deepseek: deepseek}"))
          .routing();
  std::string tiers;
  for (const auto& rule : routing.model_tier_rules()) {
    absl::StrAppend(&tiers, rule.tier(), "=", rule.contains(0), " ");
  }
  EXPECT_EQ(tiers,
            "opus=opus sonnet=sonnet haiku=haiku gpt4=gpt-4 gpt35=gpt-3.5 "
            "deepseek=deepseek ");
}

TEST_F(LlmGatewayRoutingTest, AliasesDecideWhatAModelIsCalled) {
  const auto& routing =
      Load(absl::StrReplaceAll(
               LlmGatewayFile("", "agentRules: {python: deepseek}"),
               {{"defaultModel: deepseek-chat",
                 "defaultModel: deepseek-chat, modelAliases: {a: b}"}}))
          .routing();
  EXPECT_EQ(TargetText(routing.agent_rules(0).targets(0)), "deepseek");
}

TEST_F(LlmGatewayRoutingTest, WithoutRulesTheShippedOnesDoNotHold) {
  const auto& routing =
      Load(LlmGatewayFile("", "defaultProvider: deepseek")).routing();
  ASSERT_EQ(routing.model_tier_rules_size(), 1);
  EXPECT_EQ(routing.model_tier_rules(0).tier(), "default");
  EXPECT_THAT(routing.model_tier_rules(0).contains(), IsEmpty());
  EXPECT_EQ(TargetText(routing.default_target()), "deepseek/deepseek-chat");
}

TEST_F(LlmGatewayRoutingTest, RulesForAProviderThatIsOffAreLeftOut) {
  const std::string text = LlmGatewayFile(
      ", enabled: false",
      "agentRules: {code-reviewer: azure}, fallbackChain: [deepseek]");
  EXPECT_EQ(WarningOf(text),
            "f:8:26: llmGateway.routing.agentRules.code-reviewer: names a "
            "provider that is not enabled; the rule does not hold");
  EXPECT_EQ(loaded_.config.providers_size(), 2);
  EXPECT_THAT(loaded_.config.routing().agent_rules(), IsEmpty());
}

TEST_F(LlmGatewayRoutingTest, TheMakerOfAModelIsAskedForItByItsName) {
  const auto& routing =
      Load(LlmGatewayFile(
               "", "modelTierRules: {opus: deepseek, deepseek: deepseek}"))
          .routing();
  EXPECT_EQ(TargetText(routing.model_tier_rules(0).targets(0)),
            "deepseek/deepseek-chat");
  EXPECT_EQ(TargetText(routing.model_tier_rules(1).targets(0)), "deepseek");
}

TEST_F(LlmGatewayRoutingTest, AProviderThatMayNotHaveTheModelIsToldOf) {
  const auto without = [](const std::string& routing) {
    return absl::StrReplaceAll(LlmGatewayFile("", routing),
                               {{", defaultModel: deepseek-chat", ""}});
  };
  EXPECT_EQ(WarningOf(without("fallbackChain: [deepseek]")),
            "f:6:3: llmGateway.providers.deepseek.defaultModel: is not given: "
            "rules and fallbacks ask this provider for the model that the "
            "caller names, which may be none of its own");
  problems_ = ConfigProblems("f");
  Load(without("modelTierRules: {deepseek: deepseek}"));
  EXPECT_THAT(problems_.SortedWarnings(), IsEmpty());
}

}  // namespace
}  // namespace gateway
