#include "service/config/compatibility/llm_gateway_settings.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "llmgateway/type/v1/target.pb.h"
#include "service/config/config_problem.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::type::v1::Target;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Three providers, as JSON in YAML's short form, with `more` of the second's
// fields and the whole of `routing`.
std::string Settings(const std::string& more, const std::string& routing) {
  return absl::StrCat(
      "llmGateway: {providers: {\n"
      "  anthropic: {providerType: anthropic, baseUrl: 'https://a.example',\n"
      "              apiKeyRef: A_KEY, defaultModel: claude-sonnet-4-5},\n"
      "  azure: {providerType: azure, baseUrl: 'https://b.example',\n"
      "          apiKeyRef: $B_key ",
      more,
      "},\n"
      "  deepseek: {providerType: deepseek, baseUrl: 'https://c.example',\n"
      "             apiKeyRef: 'env:C_key', defaultModel: deepseek-chat}},\n"
      "  routing: {",
      routing, "}}\n");
}

class LlmGatewaySettingsTest : public ::testing::Test {
 protected:
  const GatewayConfig& Load(const std::string& text) {
    loaded_ = LoadConfigText(text, &problems_);
    return loaded_.config;
  }

  // Loads what has one problem, and returns it.
  std::string ProblemOf(const std::string& text) {
    Load(text);
    EXPECT_EQ(problems_.Sorted().size(), 1u);
    return problems_.empty() ? "" : problems_.Sorted()[0].ToString();
  }

  std::string WarningOf(const std::string& text) {
    Load(text);
    EXPECT_TRUE(problems_.empty());
    EXPECT_EQ(problems_.SortedWarnings().size(), 1u);
    return problems_.SortedWarnings().empty()
               ? ""
               : problems_.SortedWarnings()[0].ToString();
  }

  ConfigProblems problems_{"f"};
  LoadedConfig loaded_;
};

std::string Text(const Target& target) {
  return target.model().empty()
             ? target.provider()
             : absl::StrCat(target.provider(), "/", target.model());
}

TEST_F(LlmGatewaySettingsTest, ProvidersAreOfTheirTypes) {
  const GatewayConfig& config =
      Load(Settings(", deployment: codex, apiVersion: 2024-05-01-preview", ""));
  ASSERT_EQ(config.providers_size(), 3);
  EXPECT_EQ(config.providers(0).name(), "anthropic");
  EXPECT_EQ(config.providers(0).anthropic().base_url(), "https://a.example");
  EXPECT_EQ(config.providers(1).azure_openai().api_version(),
            "2024-05-01-preview");
  EXPECT_THAT(config.providers(1).models(), ElementsAre("codex"));
  EXPECT_EQ(config.providers(2).deepseek().base_url(), "https://c.example");
  EXPECT_THAT(config.providers(2).models(), ElementsAre("deepseek-chat"));
}

TEST_F(LlmGatewaySettingsTest, OllamaAndOpenAiAreProvidersToo) {
  const GatewayConfig& config = Load(
      "llmGateway:\n"
      "  providers:\n"
      "    b: {providerType: ollama, baseUrl: 'http://127.0.0.1:11434'}\n"
      "    a: {providerType: openai, baseUrl: 'https://a.example/v1',\n"
      "        headers: {x-team: blue}, modelAliases: {fast: gpt-mini}}\n"
      "  routing: {defaultProvider: a}\n");
  ASSERT_TRUE(problems_.empty());
  EXPECT_EQ(config.providers(0).ollama().base_url(), "http://127.0.0.1:11434");
  const auto& openai = config.providers(1);
  EXPECT_EQ(openai.openai().api_key(), "");
  EXPECT_EQ(openai.openai().http().headers().at("x-team"), "blue");
  EXPECT_EQ(openai.model_aliases().at("fast"), "gpt-mini");
}

TEST_F(LlmGatewaySettingsTest, AKeyIsAVariableInAnyOfThreeForms) {
  const GatewayConfig& config = Load(Settings("", ""));
  EXPECT_EQ(config.providers(0).anthropic().api_key(), "env:A_KEY");
  EXPECT_EQ(config.providers(1).azure_openai().api_key(), "env:B_key");
  EXPECT_EQ(config.providers(2).deepseek().api_key(), "env:C_key");
}

TEST_F(LlmGatewaySettingsTest, AKeyItselfIsRefusedAndNotRepeated) {
  for (const char* key :
       {"sk-ant-0123456789", "0123456789abcdef", "abcdef0123456789", "A KEY"}) {
    problems_ = ConfigProblems("f");
    const std::string problem = ProblemOf(absl::StrReplaceAll(
        Settings("", ""), {{"A_KEY", absl::StrCat("'", key, "'")}}));
    EXPECT_THAT(problem, HasSubstr("llmGateway.providers.anthropic.apiKeyRef: "
                                   "must name a variable"));
    EXPECT_THAT(problem, ::testing::Not(HasSubstr(key)));
  }
}

TEST_F(LlmGatewaySettingsTest, RetriesDoNotCountTheFirstAttempt) {
  const GatewayConfig& config = Load(Settings(", maxRetries: 4", ""));
  EXPECT_EQ(config.providers(0).resilience().retry().attempts_limit(), 3);
  EXPECT_EQ(config.providers(1).resilience().retry().attempts_limit(), 5);
  // No provider has more than the call.
  EXPECT_EQ(config.resilience().retry().attempts_limit(), 5);
}

TEST_F(LlmGatewaySettingsTest, NoRetriesIsOneAttempt) {
  EXPECT_EQ(Load(Settings(", maxRetries: 0", ""))
                .providers(1)
                .resilience()
                .retry()
                .attempts_limit(),
            1);
  EXPECT_TRUE(problems_.empty());
}

TEST_F(LlmGatewaySettingsTest, MoreRetriesThanThereMayBeAreRefused) {
  EXPECT_EQ(ProblemOf(Settings(", maxRetries: 10", "")),
            "f:5:31: llmGateway.providers.azure.maxRetries: must be 0 to 9");
}

TEST_F(LlmGatewaySettingsTest, ATimeOutHoldsForAnAttempt) {
  const GatewayConfig& config = Load(Settings(", timeoutSecs: 4000", ""));
  const auto& given = config.providers(1).azure_openai().http().timeouts();
  EXPECT_EQ(given.total().seconds(), 4000);
  EXPECT_EQ(given.first_byte().seconds(), 3600);
  EXPECT_EQ(given.stream_first_byte().seconds(), 3600);
  EXPECT_EQ(config.providers(0).anthropic().http().timeouts().total().seconds(),
            300);
  // All attempts find room in the call.
  EXPECT_EQ(config.resilience().call_timeout().seconds(), 12'000);
}

TEST_F(LlmGatewaySettingsTest, ByDefaultACallHasItsUsualTime) {
  EXPECT_FALSE(Load(Settings("", "")).resilience().has_call_timeout());
}

TEST_F(LlmGatewaySettingsTest, RulesNameWhomTheyLeadTo) {
  const auto& routing =
      Load(Settings(", deployment: codex",
                    "agentRules: {code-reviewer: azure, python: deepseek},\n"
                    "modelTierRules: {haiku: deepseek, opus: anthropic},\n"
                    "fallbackChain: [anthropic, azure, deepseek]"))
          .routing();
  ASSERT_TRUE(problems_.empty());
  EXPECT_EQ(Text(routing.default_target()), "anthropic");
  EXPECT_EQ(routing.agent_rules(0).agent_type(), "code-reviewer");
  EXPECT_EQ(Text(routing.agent_rules(0).targets(0)), "azure/codex");
  EXPECT_EQ(Text(routing.agent_rules(1).targets(0)), "deepseek/deepseek-chat");
  // In the order in which that system looks for them.
  EXPECT_EQ(routing.model_tier_rules(0).tier(), "opus");
  EXPECT_EQ(Text(routing.model_tier_rules(0).targets(0)), "anthropic");
  EXPECT_THAT(routing.model_tier_rules(1).contains(), ElementsAre("haiku"));
  ASSERT_EQ(routing.fallbacks_size(), 3);
  EXPECT_EQ(Text(routing.fallbacks(1)), "azure/codex");
  EXPECT_THAT(routing.model_rules(), IsEmpty());
  EXPECT_FALSE(routing.agent_inference().enabled());
}

TEST_F(LlmGatewaySettingsTest, EveryTierHasItsModels) {
  const auto& routing =
      Load(Settings("",
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

TEST_F(LlmGatewaySettingsTest, AliasesDecideWhatAModelIsCalled) {
  const auto& routing =
      Load(absl::StrReplaceAll(
               Settings("", "agentRules: {python: deepseek}"),
               {{"defaultModel: deepseek-chat",
                 "defaultModel: deepseek-chat, modelAliases: {a: b}"}}))
          .routing();
  EXPECT_EQ(Text(routing.agent_rules(0).targets(0)), "deepseek");
}

TEST_F(LlmGatewaySettingsTest, WithoutRulesTheShippedOnesDoNotHold) {
  const auto& routing =
      Load(Settings("", "defaultProvider: deepseek")).routing();
  ASSERT_EQ(routing.model_tier_rules_size(), 1);
  EXPECT_EQ(routing.model_tier_rules(0).tier(), "default");
  EXPECT_THAT(routing.model_tier_rules(0).contains(), IsEmpty());
  EXPECT_EQ(Text(routing.default_target()), "deepseek/deepseek-chat");
}

TEST_F(LlmGatewaySettingsTest, RulesForAProviderThatIsOffAreLeftOut) {
  const std::string text =
      Settings(", enabled: false",
               "agentRules: {code-reviewer: azure}, fallbackChain: [deepseek]");
  EXPECT_EQ(WarningOf(text),
            "f:8:26: llmGateway.routing.agentRules.code-reviewer: names a "
            "provider that is not enabled; the rule does not hold");
  EXPECT_EQ(loaded_.config.providers_size(), 2);
  EXPECT_THAT(loaded_.config.routing().agent_rules(), IsEmpty());
}

TEST_F(LlmGatewaySettingsTest, AnAddressInTheClearIsTakenWithAWarning) {
  EXPECT_THAT(WarningOf(absl::StrReplaceAll(Settings("", ""),
                                            {{"https://b", "http://b"}})),
              HasSubstr("providers.azure.baseUrl: is not https"));
  EXPECT_TRUE(
      loaded_.config.providers(1).azure_openai().http().allow_plaintext());
}

TEST_F(LlmGatewaySettingsTest, PricesAreTakenAsTheyAreWritten) {
  const GatewayConfig& config = Load(absl::StrReplaceAll(
      Settings("", ""),
      {{"  routing:",
        "  costTracking: {pricingOverrides: {m: {inputPerMillion: 3.0,\n"
        "    outputPerMillion: 15, cacheWritePerMillion: 3.75,\n"
        "    cacheReadPerMillion: null}}},\n  routing:"}}));
  ASSERT_TRUE(problems_.empty());
  ASSERT_EQ(config.prices().models_size(), 1);
  EXPECT_EQ(config.prices().models(0).model(), "m");
  EXPECT_EQ(config.prices().models(0).input(), "3.0");
  EXPECT_EQ(config.prices().models(0).output(), "15");
  EXPECT_EQ(config.prices().models(0).cache_write(), "3.75");
  EXPECT_EQ(config.prices().models(0).cached_input(), "");
}

TEST_F(LlmGatewaySettingsTest, TheSwitchOfTheGatewayIsThatOfTheRollout) {
  const std::string text = Settings("", "");
  EXPECT_FALSE(Load(text).routing().rollout().has_enabled());
  EXPECT_FALSE(Load(absl::StrCat("gatewayEnabled: false\n", text))
                   .routing()
                   .rollout()
                   .enabled());
  EXPECT_TRUE(loaded_.config.routing().rollout().has_enabled());
}

TEST_F(LlmGatewaySettingsTest, AnAuditLogThatIsOffIsNotMissed) {
  const std::string text = Settings("", "defaultProvider: azure}, audit: {");
  EXPECT_THAT(WarningOf(text), HasSubstr("llmGateway.audit: asks for"));
  problems_ = ConfigProblems("f");
  Load(absl::StrReplaceAll(text, {{"audit: {", "audit: {enabled: false"}}));
  EXPECT_THAT(problems_.SortedWarnings(), IsEmpty());
}

}  // namespace
}  // namespace gateway
