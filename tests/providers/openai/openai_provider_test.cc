#include "providers/openai/openai_provider.h"

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider_setup.h"
#include "tests/testing/loop_client.h"
#include "tests/testing/mock_upstream_process.h"
#include "tests/testing/provider_calls.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

ProviderSetup OpenAiSetup(const Secret* key) {
  ProviderSetup setup;
  setup.name = "openai";
  if (key != nullptr) setup.credentials.push_back({"default", *key});
  return setup;
}

// How the upstream sees a request that is configured so.
std::string SeenByOpenAi(llmgateway::config::v1::OpenAiProvider config,
                         const Secret* key) {
  auto upstream = MockUpstreamProcess::Start({});
  EXPECT_TRUE(upstream.ok()) << upstream.status();
  config.set_base_url(absl::StrCat("http://", (*upstream)->address(), "/v1"));
  auto& timeouts = *config.mutable_http()->mutable_timeouts();
  for (auto* timeout :
       {timeouts.mutable_connect(), timeouts.mutable_first_byte(),
        timeouts.mutable_idle(), timeouts.mutable_total()}) {
    timeout->set_seconds(10);
  }
  config.mutable_http()->set_response_bytes_limit(1024 * 1024);
  auto provider = MakeOpenAiProvider(OpenAiSetup(key), config);
  EXPECT_TRUE(provider.ok()) << provider.status();
  LoopClient client;
  const ProviderOutcome outcome = ProviderCalls(client).Generate(
      **provider, {.body = R"({"model":"m","messages":[{"role":"user",)"
                           R"("content":"hi"}]})"});
  EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  return (*upstream)->Last("m").value_or("");
}

TEST(OpenAiProviderTest, SendsWhatItIsConfiguredToSend) {
  llmgateway::config::v1::OpenAiProvider config;
  config.set_organization("org-1");
  config.set_project("proj-2");
  const Secret key("the-key");
  EXPECT_THAT(
      SeenByOpenAi(config, &key),
      AllOf(HasSubstr("/v1/chat/completions"), HasSubstr("Bearer the-key"),
            HasSubstr("openai-organization"), HasSubstr("org-1"),
            HasSubstr("openai-project"), HasSubstr("proj-2")));
}

TEST(OpenAiProviderTest, SendsNothingThatIsNotConfigured) {
  EXPECT_THAT(SeenByOpenAi({}, nullptr),
              AllOf(Not(HasSubstr("authorization")),
                    Not(HasSubstr("openai-organization")),
                    Not(HasSubstr("openai-project"))));
}

TEST(OpenAiProviderTest, RefusesAUrlThatIsNone) {
  llmgateway::config::v1::OpenAiProvider config;
  config.set_base_url("api.openai.com");
  EXPECT_EQ(MakeOpenAiProvider(OpenAiSetup(nullptr), config).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(OpenAiProviderTest, TakesChatAndResponsesAsTheyAre) {
  llmgateway::config::v1::OpenAiProvider config;
  config.set_base_url("https://api.example/v1");
  const auto provider = MakeOpenAiProvider(OpenAiSetup(nullptr), config);
  ASSERT_TRUE(provider.ok()) << provider.status();
  for (const char* name : {"openai_chat", "openai_responses"}) {
    ASSERT_NE((*provider)->FindDialect(name), nullptr) << name;
    EXPECT_EQ((*provider)->FindDialect(name)->name(), name);
  }
}

}  // namespace
}  // namespace gateway
