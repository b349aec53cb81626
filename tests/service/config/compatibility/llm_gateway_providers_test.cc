#include "service/config/compatibility/llm_gateway_providers.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/compatibility/foreign_files.pb.h"
#include "service/config/config_problem.h"
#include "tests/service/config/compatibility/llm_gateway_file.h"

namespace gateway {
namespace {

using ::llmgateway::compatibility::LlmProviderSettings;
using ::llmgateway::config::v1::GatewayConfig;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class LlmGatewayProvidersTest : public LlmGatewayFileTest {};

TEST_F(LlmGatewayProvidersTest, ProvidersAreOfTheirTypes) {
  const GatewayConfig& config = Load(LlmGatewayFile(
      ", deployment: codex, apiVersion: 2024-05-01-preview", ""));
  ASSERT_EQ(config.providers_size(), 3);
  EXPECT_EQ(config.providers(0).name(), "anthropic");
  EXPECT_EQ(config.providers(0).anthropic().base_url(), "https://a.example");
  EXPECT_EQ(config.providers(1).azure_openai().api_version(),
            "2024-05-01-preview");
  EXPECT_THAT(config.providers(1).models(), ElementsAre("codex"));
  EXPECT_EQ(config.providers(2).deepseek().base_url(), "https://c.example");
  EXPECT_THAT(config.providers(2).models(), ElementsAre("deepseek-chat"));
}

TEST_F(LlmGatewayProvidersTest, OllamaAndOpenAiAreProvidersToo) {
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

TEST_F(LlmGatewayProvidersTest, AKeyIsAVariableInAnyOfThreeForms) {
  const GatewayConfig& config = Load(LlmGatewayFile("", ""));
  EXPECT_EQ(config.providers(0).anthropic().api_key(), "env:A_KEY");
  EXPECT_EQ(config.providers(1).azure_openai().api_key(), "env:B_key");
  EXPECT_EQ(config.providers(2).deepseek().api_key(), "env:C_key");
}

TEST_F(LlmGatewayProvidersTest, AKeyItselfIsRefusedAndNotRepeated) {
  for (const char* key :
       {"sk-ant-0123456789", "0123456789abcdef", "abcdef0123456789", "A KEY"}) {
    problems_ = ConfigProblems("f");
    const std::string problem = ProblemOf(absl::StrReplaceAll(
        LlmGatewayFile("", ""), {{"A_KEY", absl::StrCat("'", key, "'")}}));
    EXPECT_THAT(problem, HasSubstr("llmGateway.providers.anthropic.apiKeyRef: "
                                   "must name a variable"));
    EXPECT_THAT(problem, Not(HasSubstr(key)));
  }
}

TEST_F(LlmGatewayProvidersTest, RetriesDoNotCountTheFirstAttempt) {
  const GatewayConfig& config = Load(LlmGatewayFile(", maxRetries: 4", ""));
  EXPECT_EQ(config.providers(0).resilience().retry().attempts_limit(), 3);
  EXPECT_EQ(config.providers(1).resilience().retry().attempts_limit(), 5);
  // No provider has more than the call.
  EXPECT_EQ(config.resilience().retry().attempts_limit(), 5);
}

TEST_F(LlmGatewayProvidersTest, NoRetriesIsOneAttempt) {
  EXPECT_EQ(Load(LlmGatewayFile(", maxRetries: 0", ""))
                .providers(1)
                .resilience()
                .retry()
                .attempts_limit(),
            1);
  EXPECT_TRUE(problems_.empty());
}

TEST_F(LlmGatewayProvidersTest, MoreRetriesThanThereMayBeAreRefused) {
  EXPECT_EQ(ProblemOf(LlmGatewayFile(", maxRetries: 10", "")),
            "f:5:31: llmGateway.providers.azure.maxRetries: must be 0 to 9");
}

TEST_F(LlmGatewayProvidersTest, ATimeOutHoldsForAnAttempt) {
  const GatewayConfig& config = Load(LlmGatewayFile(", timeoutSecs: 4000", ""));
  const auto& given = config.providers(1).azure_openai().http().timeouts();
  EXPECT_EQ(given.total().seconds(), 4000);
  EXPECT_EQ(given.first_byte().seconds(), 3600);
  EXPECT_EQ(given.stream_first_byte().seconds(), 3600);
  EXPECT_EQ(config.providers(0).anthropic().http().timeouts().total().seconds(),
            300);
  // All attempts find room in the call.
  EXPECT_EQ(config.resilience().call_timeout().seconds(), 12'000);
}

TEST_F(LlmGatewayProvidersTest, ByDefaultACallHasItsUsualTime) {
  EXPECT_FALSE(Load(LlmGatewayFile("", "")).resilience().has_call_timeout());
}

TEST_F(LlmGatewayProvidersTest, AnAddressInTheClearIsTakenWithAWarning) {
  EXPECT_THAT(WarningOf(absl::StrReplaceAll(LlmGatewayFile("", ""),
                                            {{"https://b", "http://b"}})),
              HasSubstr("providers.azure.baseUrl: is not https"));
  EXPECT_TRUE(
      loaded_.config.providers(1).azure_openai().http().allow_plaintext());
}

TEST_F(LlmGatewayProvidersTest, RulesAskForAModelThatTheProviderHas) {
  LlmProviderSettings settings;
  settings.set_default_model("own");
  settings.set_provider_type(LlmProviderSettings::TYPE_ANTHROPIC);
  EXPECT_EQ(ModelForRules(settings), "");
  settings.set_provider_type(LlmProviderSettings::TYPE_OLLAMA);
  EXPECT_EQ(ModelForRules(settings), "own");
  (*settings.mutable_model_aliases())["claude"] = "llama";
  EXPECT_EQ(ModelForRules(settings), "");
  settings.set_provider_type(LlmProviderSettings::TYPE_AZURE);
  EXPECT_EQ(ModelForRules(settings), "gpt-4");
  settings.set_deployment("codex");
  EXPECT_EQ(ModelForRules(settings), "codex");
}

TEST_F(LlmGatewayProvidersTest, AProviderIsOnUnlessItIsSaidToBeOff) {
  LlmProviderSettings settings;
  EXPECT_TRUE(IsEnabled(settings));
  settings.set_enabled(false);
  EXPECT_FALSE(IsEnabled(settings));
}

}  // namespace
}  // namespace gateway
