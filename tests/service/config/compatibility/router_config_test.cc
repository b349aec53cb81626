#include "service/config/compatibility/router_config.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/time_util.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

using ::google::protobuf::util::TimeUtil;
using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::MockProvider;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRequired[] =
    "default_provider: mock\n"
    "default_model: m\n"
    "default_timeout_ms: 30000\n"
    "dev_mode: {bypass_auth: true}\n";

class RouterConfigTest : public ::testing::Test {
 protected:
  // Loads what every file needs and `more`.
  const GatewayConfig& Load(const std::string& more) {
    problems_ = ConfigProblems("f");
    loaded_ = LoadConfigText(absl::StrCat(kRequired, more), &problems_);
    return loaded_.config;
  }

  std::string ProblemOf(const std::string& more) {
    Load(more);
    EXPECT_EQ(problems_.Sorted().size(), 1u);
    return problems_.empty() ? "" : problems_.Sorted()[0].ToString();
  }

  std::string WarningOf(const std::string& more) {
    Load(more);
    EXPECT_TRUE(problems_.empty());
    EXPECT_EQ(problems_.SortedWarnings().size(), 1u);
    return problems_.SortedWarnings().empty()
               ? ""
               : problems_.SortedWarnings()[0].ToString();
  }

  ConfigProblems problems_{"f"};
  LoadedConfig loaded_;
};

TEST_F(RouterConfigTest, ANameThatTellsItsClassNeedsNoProvider) {
  const GatewayConfig& config =
      Load("domain_tag_routes: {law: anthropic, tax: {provider_id: mock}}\n");
  ASSERT_TRUE(problems_.empty());
  EXPECT_THAT(problems_.SortedWarnings(), IsEmpty());
  ASSERT_EQ(config.providers_size(), 2);
  const auto& mock = config.providers(0);
  EXPECT_EQ(mock.mock().reply(), "Mock response");
  EXPECT_EQ(mock.mock().input_tokens(), 100);
  EXPECT_EQ(mock.mock().output_tokens(), 50);
  EXPECT_EQ(mock.mock().fault(), MockProvider::FAULT_UNSPECIFIED);
  EXPECT_THAT(mock.models(), ElementsAre("mock-model-1"));
  EXPECT_EQ(config.providers(1).anthropic().api_key(), "env:ANTHROPIC_API_KEY");
}

TEST_F(RouterConfigTest, OptionsAreTheClasssOwn) {
  const GatewayConfig& config = Load(
      "providers:\n"
      "  a: {provider_class: 'x.y:AnthropicProvider',\n"
      "      config: {api_key_env: K, base_url: 'https://a.example'}}\n"
      "  mock: {provider_class: MockProvider,\n"
      "         config: {text: Hi, latency_ms: 20, fail_after: 2}}\n");
  ASSERT_TRUE(problems_.empty());
  const auto& anthropic = config.providers(0).anthropic();
  EXPECT_EQ(anthropic.api_key(), "env:K");
  EXPECT_EQ(anthropic.base_url(), "https://a.example");
  EXPECT_EQ(anthropic.http().timeouts().total().seconds(), 30);
  EXPECT_EQ(anthropic.http().timeouts().stream_first_byte().seconds(), 30);
  const auto& mock = config.providers(1).mock();
  EXPECT_EQ(mock.reply(), "Hi");
  EXPECT_EQ(mock.delay().nanos(), 20'000'000);
  EXPECT_EQ(mock.fault(), MockProvider::FAULT_SERVER_ERROR);
  EXPECT_EQ(mock.fault_after_calls(), 2);
}

TEST_F(RouterConfigTest, WhileDevelopingEveryProviderMayBeAMock) {
  problems_ = ConfigProblems("f");
  loaded_ = LoadConfigText(
      "default_provider: anthropic\n"
      "default_model: m\n"
      "default_timeout_ms: 100\n"
      "dev_mode: {bypass_auth: true, use_mock_provider: true}\n",
      &problems_);
  ASSERT_TRUE(problems_.empty());
  EXPECT_EQ(loaded_.config.providers(0).name(), "anthropic");
  EXPECT_TRUE(loaded_.config.providers(0).has_mock());
}

TEST_F(RouterConfigTest, ACallKeepsItsModelAndGetsTheDefaultsWithoutOne) {
  const auto& routing =
      Load("domain_tag_routes: {law: {provider_id: mock, model_id: x}}\n")
          .routing();
  EXPECT_EQ(routing.model_rules(0).glob(), "*");
  EXPECT_EQ(routing.model_rules(0).targets(0).provider(), "mock");
  EXPECT_EQ(routing.model_rules(0).targets(0).model(), "");
  EXPECT_EQ(routing.default_target().model(), "m");
  EXPECT_EQ(routing.domain_tag_rules(0).tag(), "law");
  EXPECT_EQ(routing.domain_tag_rules(0).targets(0).model(), "x");
}

TEST_F(RouterConfigTest, TheBreakerOpensAfterFailuresInARowAlone) {
  const auto& plain = Load("").resilience().circuit_breaker();
  EXPECT_EQ(plain.consecutive_failures(), 3);
  EXPECT_EQ(plain.open_duration().seconds(), 30);
  EXPECT_EQ(plain.half_open_probes(), 1);
  EXPECT_EQ(plain.failure_percent(), 100);
  EXPECT_EQ(plain.minimum_calls(), 20);
  const auto& given = Load(
                          "circuit_breaker: {failure_threshold: 25,\n"
                          "  recovery_timeout_ms: 50, half_open_max: 2}\n")
                          .resilience()
                          .circuit_breaker();
  EXPECT_EQ(given.consecutive_failures(), 25);
  EXPECT_EQ(given.minimum_calls(), 25);
  EXPECT_EQ(TimeUtil::DurationToMilliseconds(given.open_duration()), 50);
  EXPECT_EQ(given.half_open_probes(), 2);
}

TEST_F(RouterConfigTest, NothingIsRetriedUnlessTheFileSaysSo) {
  const auto& resilience = Load("").resilience();
  EXPECT_EQ(resilience.retry().attempts_limit(), 1);
  EXPECT_FALSE(resilience.retry().resend_after_timeout());
  EXPECT_EQ(resilience.call_timeout().seconds(), 30);
}

TEST_F(RouterConfigTest, RetriesDoNotCountTheFirstAttempt) {
  const auto& resilience =
      Load("max_retries: 1\nretry_backoff_ms: 10000\n").resilience();
  ASSERT_TRUE(problems_.empty());
  EXPECT_EQ(resilience.retry().attempts_limit(), 2);
  EXPECT_TRUE(resilience.retry().resend_after_timeout());
  EXPECT_EQ(resilience.retry().backoff_base().seconds(), 10);
  EXPECT_EQ(resilience.retry().backoff_limit().seconds(), 10);
  EXPECT_EQ(resilience.call_timeout().seconds(), 2 * 30 + 10);
}

TEST_F(RouterConfigTest, APolicyOfRetriesHasDefaultsOfItsOwn) {
  const auto& plain = Load("retry_policy: {}\n").resilience().retry();
  EXPECT_EQ(plain.attempts_limit(), 3);
  EXPECT_EQ(plain.backoff_base().seconds(), 1);
  EXPECT_EQ(plain.backoff_multiplier(), 2);
  EXPECT_TRUE(plain.resend_after_timeout());
  const auto& given = Load(
                          "retry_policy: {max_retries: 4, backoff_base_ms: 0,\n"
                          "  backoff_multiplier: 1.5,\n"
                          "  retryable_errors: [rate_limited, SERVER_ERROR]}\n")
                          .resilience()
                          .retry();
  EXPECT_EQ(given.attempts_limit(), 5);
  EXPECT_EQ(given.backoff_base().nanos(), 1'000'000);
  EXPECT_EQ(given.backoff_multiplier(), 1.5);
  EXPECT_FALSE(given.resend_after_timeout());
  EXPECT_THAT(problems_.SortedWarnings(), IsEmpty());
}

TEST_F(RouterConfigTest, ErrorsThatAreAlwaysOrNeverRetriedAreToldOf) {
  EXPECT_THAT(
      WarningOf("retry_policy: {retryable_errors: [TIMEOUT, AUTH_ERROR]}\n"),
      HasSubstr("f:5:16: retry_policy.retryable_errors: AUTH_ERROR and"));
  EXPECT_THAT(WarningOf("retry_policy: {retryable_errors: [TIMEOUT]}\n"),
              HasSubstr("are always retried"));
}

TEST_F(RouterConfigTest, RetriesAreSaidOnce) {
  EXPECT_EQ(ProblemOf("retry_policy: {}\nmax_retries: 1\n"),
            "f:6:1: max_retries: is said by retry_policy too; keep one");
  EXPECT_EQ(ProblemOf("retry_policy: {}\nretry_backoff_ms: 1\n"),
            "f:6:1: retry_backoff_ms: is said by retry_policy too; keep one");
}

TEST_F(RouterConfigTest, OptionsOfAnotherClassAreToldOf) {
  EXPECT_EQ(WarningOf("providers: {mock: {provider_class: MockProvider,\n"
                      "  config: {base_url: 'https://a.example'}}}\n"),
            "f:6:12: providers.mock.config.base_url: is not followed: it means "
            "nothing to this class");
}

TEST_F(RouterConfigTest, WhatStandsBesideTheSectionIsToldOf) {
  loaded_ = LoadConfigText(
      "router_config: {default_provider: mock, default_model: m,\n"
      "  default_timeout_ms: 100,\n"
      "  dev_mode: {bypass_budget: true}}\n"
      "listeners: {}\n",
      &problems_);
  ASSERT_TRUE(problems_.empty());
  std::string warnings;
  for (const ConfigProblem& warning : problems_.SortedWarnings()) {
    absl::StrAppend(&warnings, warning.ToString(), "\n");
  }
  EXPECT_THAT(warnings, HasSubstr("f:3:3: router_config.dev_mode.bypass_auth"));
  EXPECT_THAT(warnings, HasSubstr("f:4:1: listeners: is not read beside"));
}

}  // namespace
}  // namespace gateway
