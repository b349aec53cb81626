#include "providers/anthropic/anthropic_provider.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ProviderSetup AnthropicSetup(const Secret* key) {
  ProviderSetup setup;
  setup.name = "anthropic";
  if (key != nullptr) setup.credentials.push_back({"default", *key});
  return setup;
}

// Makes a provider that asks `upstream`.
std::unique_ptr<Provider> MakeFor(
    const MockUpstreamProcess& upstream, const Secret* key,
    llmgateway::config::v1::AnthropicProvider config) {
  config.set_base_url(absl::StrCat("http://", upstream.address()));
  auto& timeouts = *config.mutable_http()->mutable_timeouts();
  for (auto* timeout :
       {timeouts.mutable_connect(), timeouts.mutable_first_byte(),
        timeouts.mutable_idle(), timeouts.mutable_total()}) {
    timeout->set_seconds(10);
  }
  config.mutable_http()->set_response_bytes_limit(1024 * 1024);
  auto provider = MakeAnthropicProvider(AnthropicSetup(key), config);
  EXPECT_TRUE(provider.ok()) << provider.status();
  return *std::move(provider);
}

// How the upstream sees a request that is configured so.
std::string SeenByAnthropic(
    const llmgateway::config::v1::AnthropicProvider& config,
    const Secret* key) {
  auto upstream = MockUpstreamProcess::Start({});
  EXPECT_TRUE(upstream.ok()) << upstream.status();
  const auto provider = MakeFor(**upstream, key, config);
  LoopClient client;
  const ProviderOutcome outcome = ProviderCalls(client).Generate(
      *provider, {.body = R"({"model":"m","max_tokens":9,"messages":)"
                           R"([{"role":"user","content":"hi"}]})"});
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  return (*upstream)->Last("m").value_or("");
}

TEST(AnthropicProviderTest, SendsWhatItIsConfiguredToSend) {
  llmgateway::config::v1::AnthropicProvider config;
  config.set_version("2023-06-01");
  config.add_betas("one-2025");
  config.add_betas("two-2026");
  const Secret key("the-key");
  EXPECT_THAT(SeenByAnthropic(config, &key),
              AllOf(HasSubstr("\"/v1/messages\""), HasSubstr("x-api-key"),
                    HasSubstr("the-key"), HasSubstr("anthropic-version"),
                    HasSubstr("2023-06-01"), HasSubstr("anthropic-beta"),
                    HasSubstr("one-2025,two-2026"), Not(HasSubstr("Bearer"))));
}

TEST(AnthropicProviderTest, ShowsTheTokenOfALoginAsABearer) {
  llmgateway::config::v1::AnthropicProvider config;
  config.set_version("2023-06-01");
  const Secret token("sk-ant-oat01-abc");
  EXPECT_THAT(SeenByAnthropic(config, &token),
              AllOf(HasSubstr("Bearer sk-ant-oat01-abc"),
                    HasSubstr("oauth-2025-04-20"),
                    Not(HasSubstr("x-api-key"))));
}

TEST(AnthropicProviderTest, SendsNothingThatIsNotConfigured) {
  llmgateway::config::v1::AnthropicProvider config;
  config.set_version("2023-06-01");
  EXPECT_THAT(
      SeenByAnthropic(config, nullptr),
      AllOf(Not(HasSubstr("x-api-key")), Not(HasSubstr("anthropic-beta"))));
}

TEST(AnthropicProviderTest, ListsItsModels) {
  auto upstream = MockUpstreamProcess::Start({});
  ASSERT_TRUE(upstream.ok()) << upstream.status();
  llmgateway::config::v1::AnthropicProvider config;
  config.set_version("2023-06-01");
  const auto provider = MakeFor(**upstream, nullptr, config);
  LoopClient client;
  const auto models = ProviderCalls(client).ListModels(*provider);
  ASSERT_TRUE(models.ok()) << models.status();
  ASSERT_FALSE(models->empty());
  EXPECT_EQ(models->front().name(), "claude-mock");
  // Only Anthropic's list has it.
  EXPECT_EQ(models->front().display_name(), "CLAUDE-MOCK");
}

TEST(AnthropicProviderTest, RefusesAUrlThatIsNone) {
  llmgateway::config::v1::AnthropicProvider config;
  config.set_base_url("api.anthropic.com");
  EXPECT_EQ(
      MakeAnthropicProvider(AnthropicSetup(nullptr), config).status().code(),
      absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gateway
