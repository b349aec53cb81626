#include "service/config/compatibility_variables.h"

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/config_reader.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kFile[] =
    "providers:\n"
    "- {name: mock, mock: {}}\n"
    "- {name: openrouter, openrouter: {}}\n"
    "- {name: other, openrouter: {}}\n"
    "- {name: openai, openai: {}}\n";

class CompatibilityVariablesTest : public testing::Test {
 protected:
  // Reads a configuration, and what is wrong with it.
  GatewayConfig Read(const Environment& environment,
                     std::string_view more = "") {
    ConfigDraft draft =
        ReadConfigDraft(AllProviderKinds(), absl::StrCat(kFile, ToAbsl(more)),
                        "f", environment);
    problems_ = LinesOf(draft.problems);
    warnings_ = LinesOf(draft.warnings);
    // The providers' keys are missing.
    std::erase_if(warnings_, [](const std::string& line) {
      return line.starts_with("providers[");
    });
    return draft.config;
  }

  static std::vector<std::string> LinesOf(
      const std::vector<ConfigProblem>& problems) {
    std::vector<std::string> lines;
    for (const ConfigProblem& problem : problems) {
      lines.push_back(absl::StrCat(problem.path, ": ", problem.message));
    }
    return lines;
  }

  std::vector<std::string> problems_;
  std::vector<std::string> warnings_;
};

TEST_F(CompatibilityVariablesTest, EachIsInTheReferenceOnce) {
  std::ifstream file("docs/configuration.md");
  std::stringstream page;
  page << file.rdbuf();
  const std::string text = page.str();
  for (const std::string_view name : CompatibilityVariables()) {
    const std::string row = absl::StrCat("\n| `", ToAbsl(name), "` | ");
    const size_t at = text.find(row);
    EXPECT_NE(at, std::string::npos) << name;
    EXPECT_EQ(text.find(row, at + 1), std::string::npos) << name;
  }
}

TEST_F(CompatibilityVariablesTest, WhatIsWrongWithAValueIsToldOfItsVariable) {
  const std::string file =
      absl::StrCat(kFile, "routing: {default_target: mock}\n");
  const ConfigDraft draft =
      ReadConfigDraft(AllProviderKinds(), file, "f",
                      {{"LLM_PROVIDER", "nobody"},
                       {"LLM_MODEL", "two words"},
                       {"OPENROUTER_BASE_URL", "ftp://router.example"},
                       {"LLM_GATEWAY_RUNTIME_EVENT_LOOPS", "100000"},
                       {"GATEWAY_V2_PERCENTAGE", "101"}});
  std::vector<std::string> paths;
  for (const ConfigProblem& problem : draft.problems) {
    EXPECT_EQ(problem.source, "environment") << problem.ToString();
    EXPECT_EQ(problem.place.line, 0) << problem.ToString();
    paths.push_back(problem.path);
    if (problem.path == "LLM_PROVIDER") {
      EXPECT_THAT(problem.message, HasSubstr("names no configured provider"));
    }
  }
  EXPECT_THAT(paths,
              testing::UnorderedElementsAre(
                  "LLM_PROVIDER", "LLM_MODEL", "OPENROUTER_BASE_URL",
                  "LLM_GATEWAY_RUNTIME_EVENT_LOOPS", "GATEWAY_V2_PERCENTAGE"));
}

TEST_F(CompatibilityVariablesTest, ValuesGoToTheirFieldsInTheirUnits) {
  const GatewayConfig config = Read(
      {{"GATEWAY_MAX_RETRIES", "3"},
       {"GATEWAY_RETRY_DELAY", "1.5"},
       {"GATEWAY_V2_PERCENTAGE", "12.5"},
       {"LLM_TIMEOUT_SECONDS", "120"},
       {"LLM_GATEWAY_PORT", "9090"},
       {"LLM_GATEWAY_LOG_LEVEL", "WARNING"},
       {"LLM_GATEWAY_LOG_FILE_PATH", "/tmp/app.log"},
       {"LLM_GATEWAY_CORS_ORIGINS", "https://a.example, https://b.example"},
       {"LLM_GATEWAY_CIRCUIT_BREAKER_FAILURE_THRESHOLD", "7"},
       {"LLM_GATEWAY_CIRCUIT_BREAKER_RESET_TIMEOUT", "60"},
       {"OPENROUTER_BASE_URL", "https://router.example/v1"},
       {"LLM_PROVIDER", "openai"},
       {"LLM_MODEL", "gpt-5"},
       {"LLM_BASE_URL", "https://openai.example/v1"},
       {"LLM_GATEWAY_MAX_CONCURRENT_REQUESTS", "50"},
       {"LLM_GATEWAY_QUEUE_WARNING_THRESHOLD", "20"},
       {"LLM_GATEWAY_MEMORY_THRESHOLD_MB", "1024"},
       {"LLM_GATEWAY_MEMORY_SOFT_LIMIT_PERCENT", "0.75"},
       {"LLM_GATEWAY_SESSION_TTL_SECONDS", "7200"},
       {"LLM_API_KEY", "sk-of-openai-1234"}},
      "routing: {default_target: mock/m}\n");
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
  const auto& resilience = config.resilience();
  EXPECT_EQ(resilience.retry().attempts_limit(), 4);
  EXPECT_EQ(resilience.retry().backoff_base().seconds(), 1);
  EXPECT_EQ(resilience.retry().backoff_base().nanos(), 500'000'000);
  EXPECT_EQ(resilience.circuit_breaker().consecutive_failures(), 7);
  EXPECT_EQ(resilience.circuit_breaker().open_duration().seconds(), 60);
  EXPECT_EQ(resilience.call_timeout().seconds(), 120);
  EXPECT_EQ(config.overload().concurrency().calls_limit(), 50);
  EXPECT_EQ(config.overload().concurrency().waiting_warning(), 20);
  EXPECT_EQ(config.overload().memory().size_bytes_limit(), 1 << 30);
  EXPECT_EQ(config.overload().memory().soft_percent(), 75);
  EXPECT_EQ(config.sessions().ttl().seconds(), 7200);
  EXPECT_EQ(config.routing().rollout().percentage(), 12.5);
  EXPECT_EQ(config.listeners().http().address(), "127.0.0.1:9090");
  EXPECT_THAT(config.listeners().http().cors().allowed_origins(),
              ElementsAre("https://a.example", "https://b.example"));
  EXPECT_EQ(config.logging().level(), llmgateway::config::v1::LOG_LEVEL_WARN);
  EXPECT_EQ(config.logging().file(), "/tmp/app.log");
  EXPECT_EQ(config.providers(1).openrouter().base_url(),
            "https://router.example/v1");
  EXPECT_EQ(config.providers(2).openrouter().base_url(),
            "https://router.example/v1");
  EXPECT_EQ(config.providers(3).openai().base_url(),
            "https://openai.example/v1");
  EXPECT_EQ(config.providers(3).openai().api_key(), "env:LLM_API_KEY");
  EXPECT_EQ(config.routing().default_target().provider(), "openai");
  EXPECT_EQ(config.routing().default_target().model(), "gpt-5");
}

TEST_F(CompatibilityVariablesTest, AllAttemptsOrRetries) {
  for (const char* none : {"0", "1"}) {
    EXPECT_EQ(
        Read({{"LLM_MAX_RETRIES", none}}).resilience().retry().attempts_limit(),
        1);
  }
  EXPECT_EQ(Read({{"GATEWAY_MAX_RETRIES", "0"}})
                .resilience()
                .retry()
                .attempts_limit(),
            1);
}

TEST_F(CompatibilityVariablesTest, AFieldsOwnVariableWins) {
  const GatewayConfig config =
      Read({{"LLM_GATEWAY_PORT", "9090"},
            {"LLM_GATEWAY_LISTENERS_HTTP_ADDRESS", "127.0.0.1:7070"},
            {"LLM_LOG_LEVEL", "DEBUG"},
            {"LLM_LOG_FORMAT", "console"},
            {"LLM_GATEWAY_LOGGING_LEVEL", "error"}});
  EXPECT_EQ(config.listeners().http().address(), "127.0.0.1:7070");
  EXPECT_EQ(config.logging().level(), llmgateway::config::v1::LOG_LEVEL_ERROR);
  EXPECT_EQ(config.logging().format(),
            llmgateway::config::v1::LOG_FORMAT_CONSOLE);
}

TEST_F(CompatibilityVariablesTest, AnyPortIsAnyForAllThatNameNone) {
  const auto listeners =
      Read({{"LLM_GATEWAY_PORT", "0"}},
           "listeners: {grpc: {address: '127.0.0.1:7001'}, admin_http: {}}\n")
          .listeners();
  EXPECT_EQ(listeners.http().address(), "127.0.0.1:0");
  EXPECT_EQ(listeners.grpc().address(), "127.0.0.1:7001");
  EXPECT_EQ(listeners.admin().address(), "127.0.0.1:0");
  EXPECT_EQ(listeners.operations().address(), "127.0.0.1:0");
  EXPECT_EQ(listeners.admin_http().address(), "127.0.0.1:0");
  EXPECT_FALSE(Read({{"LLM_GATEWAY_PORT", "0"}}).listeners().has_admin_http());
  EXPECT_EQ(
      Read({{"LLM_GATEWAY_PORT", "9090"}}).listeners().admin().address(),
      "127.0.0.1:50052");
}

TEST_F(CompatibilityVariablesTest, ALedgerIsUnderTheRootWhoeverNamesIt) {
  const Environment root = {{"CONTROL_PLANE_ROOT", "/srv"}};
  EXPECT_EQ(Read(root, "ledger: {path: led.db}\n").ledger().path(),
            "/srv/led.db");
  EXPECT_EQ(Read(root, "ledger: {}\n").ledger().path(), "/srv/ledger.db");
  Environment by_variable = root;
  by_variable["LLM_GATEWAY_LEDGER_PATH"] = "led.db";
  EXPECT_EQ(Read(by_variable).ledger().path(), "/srv/led.db");
  by_variable["LLM_GATEWAY_LEDGER_PATH"] = "/led.db";
  EXPECT_EQ(Read(by_variable).ledger().path(), "/led.db");
  EXPECT_FALSE(Read(root).has_ledger());
}

TEST_F(CompatibilityVariablesTest, ARoutersFileHasALedgerUnderItsRoot) {
  constexpr char kRouter[] =
      "default_provider: mock\ndefault_model: m\ndefault_timeout_ms: 1000\n"
      "dev_mode: {bypass_auth: true}\n";
  const auto read = [&](const Environment& environment) {
    const ConfigDraft draft =
        ReadConfigDraft(AllProviderKinds(), kRouter, "f", environment);
    EXPECT_THAT(LinesOf(draft.problems), IsEmpty());
    warnings_ = LinesOf(draft.warnings);
    return draft.config;
  };
  EXPECT_EQ(read({{"CONTROL_PLANE_ROOT", "/srv"}}).ledger().path(),
            "/srv/ledger/governance.db");
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(read({{"LLM_GATEWAY_LEDGER_PATH", "/led.db"}}).ledger().path(),
            "/led.db");
  EXPECT_THAT(warnings_, IsEmpty());
  // Whoever says neither is told what is missing.
  EXPECT_FALSE(read({}).has_ledger());
  EXPECT_THAT(warnings_, ElementsAre(AllOf(
                             HasSubstr("ledger: is not kept"),
                             HasSubstr("CONTROL_PLANE_ROOT"),
                             HasSubstr("LLM_GATEWAY_LEDGER_PATH"))));
}

TEST_F(CompatibilityVariablesTest, CostOptimizationIsHowModelsAreChosen) {
  const Environment on = {{"ENABLE_COST_OPTIMIZATION", "true"}};
  constexpr char kModels[] =
      "routing: {selection: {policies: [{id: m, target: mock/m}]}}\n";
  EXPECT_EQ(Read({}, kModels).routing().selection().default_strategy(),
            llmgateway::config::v1::SELECTION_STRATEGY_BALANCED);
  EXPECT_EQ(Read(on, kModels).routing().selection().default_strategy(),
            llmgateway::config::v1::SELECTION_STRATEGY_COST_OPTIMIZED);
  EXPECT_THAT(warnings_, IsEmpty());
  EXPECT_EQ(Read(on).routing().selection().default_strategy(),
            llmgateway::config::v1::SELECTION_STRATEGY_BALANCED);
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr(
                             "ENABLE_COST_OPTIMIZATION: is not followed")));
  Read({{"ENABLE_COST_OPTIMIZATION", "maybe"}}, kModels);
  EXPECT_THAT(problems_, ElementsAre("ENABLE_COST_OPTIMIZATION: must be true "
                                     "or false"));
}

TEST_F(CompatibilityVariablesTest, APortThatKubernetesMakesIsNone) {
  EXPECT_EQ(Read({{"LLM_GATEWAY_PORT", "tcp://10.0.0.1:80"}})
                .listeners()
                .http()
                .address(),
            "127.0.0.1:8080");
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(CompatibilityVariablesTest, WhatIsNoPortIsRefused) {
  for (const char* wrong : {"+80", " 80", "80 ", "70000", "-1", "http"}) {
    EXPECT_EQ(Read({{"LLM_GATEWAY_PORT", wrong}}).listeners().http().address(),
              "127.0.0.1:8080");
    EXPECT_THAT(problems_,
                ElementsAre("LLM_GATEWAY_PORT: must be a port, 0 to 65535"))
        << wrong;
  }
}

TEST_F(CompatibilityVariablesTest, APortThatAnotherListenerHasIsToldOfIt) {
  Read({{"LLM_GATEWAY_PORT", "50051"}});
  EXPECT_THAT(problems_,
              ElementsAre("LLM_GATEWAY_PORT: is taken by listeners.grpc "
                          "already; choose another port"));
  Read({{"LLM_GATEWAY_PORT", "50051"}},
       "listeners: {grpc: {address: '0.0.0.0:50051'}}\n"
       "auth: {callers: {api_keys: [{id: a, key: 'env:KEY'}]}}\n");
  EXPECT_THAT(problems_,
              ElementsAre("LLM_GATEWAY_PORT: has the port of listeners.grpc, "
                          "0.0.0.0:50051; choose another"));
}

TEST_F(CompatibilityVariablesTest, WhatTheDefaultProviderLacksIsWarnedOf) {
  Read({{"LLM_PROVIDER", "mock"},
        {"LLM_BASE_URL", "http://127.0.0.1:1"},
        {"LLM_API_KEY", "k"}});
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(warnings_,
              ElementsAre("LLM_BASE_URL: is not followed: the provider 'mock' "
                          "has no base_url",
                          "LLM_API_KEY: is not followed: the provider 'mock' "
                          "has no api_key"));
}

TEST_F(CompatibilityVariablesTest, EitherOfTwoEnablesTheRollout) {
  const auto enabled = [this](const Environment& environment) {
    return Read(environment, "routing: {rollout: {enabled: false}}\n")
        .routing()
        .rollout()
        .enabled();
  };
  EXPECT_FALSE(enabled({}));
  EXPECT_FALSE(enabled({{"GATEWAY_V2_ENABLED", "false"}}));
  EXPECT_TRUE(enabled({{"GATEWAY_V2_ENABLED", "true"}}));
  EXPECT_TRUE(
      enabled({{"GATEWAY_V2_ENABLED", "0"}, {"ENABLE_GATEWAY_V2", "1"}}));
}

TEST_F(CompatibilityVariablesTest, SwitchedOffFallbacksAreGone) {
  constexpr char kRules[] =
      "routing:\n"
      "  agent_rules: [{agent_type: a, targets: [openai], fallbacks: [mock]}]\n"
      "  fallbacks: [mock]\n"
      "  failure_fallbacks: {rate_limit: [mock]}\n"
      "  selection: {policies: [{id: m, target: mock/m}]}\n";
  EXPECT_EQ(Read({{"GATEWAY_FALLBACK_ENABLED", "true"}}, kRules)
                .routing()
                .fallbacks_size(),
            1);
  EXPECT_TRUE(Read({{"GATEWAY_FALLBACK_ENABLED", "true"}}, kRules)
                  .routing()
                  .selection()
                  .fallback_enabled());
  const auto routing =
      Read({{"GATEWAY_FALLBACK_ENABLED", "false"}}, kRules).routing();
  EXPECT_EQ(routing.fallbacks_size(), 0);
  EXPECT_EQ(routing.failure_fallbacks().rate_limit_size(), 0);
  EXPECT_EQ(routing.agent_rules(0).fallbacks_size(), 0);
  EXPECT_EQ(routing.agent_rules(0).targets_size(), 1);
  EXPECT_FALSE(routing.selection().fallback_enabled());
  EXPECT_EQ(routing.selection().policies_size(), 1);
}

TEST_F(CompatibilityVariablesTest, OpenRouterIsTakenOutOfRulesAndChains) {
  const Environment off = {{"OPENROUTER_FALLBACK_ENABLED", "false"}};
  // The shipped rules end in it.
  EXPECT_EQ(Read({}).routing().model_rules().rbegin()->glob(), "*");
  EXPECT_NE(Read(off).routing().model_rules().rbegin()->glob(), "*");
  const auto routing =
      Read(off,
           "routing:\n"
           "  model_rules:\n"
           "  - {prefix: a, targets: [other, mock], fallbacks: [openrouter]}\n"
           "  - {prefix: b, targets: [openrouter]}\n"
           "  fallbacks: [mock, openrouter]\n"
           "  default_target: other\n")
          .routing();
  ASSERT_EQ(routing.model_rules_size(), 1);
  ASSERT_EQ(routing.model_rules(0).targets_size(), 1);
  EXPECT_EQ(routing.model_rules(0).targets(0).provider(), "mock");
  EXPECT_EQ(routing.model_rules(0).fallbacks_size(), 0);
  ASSERT_EQ(routing.fallbacks_size(), 1);
  EXPECT_FALSE(routing.has_default_target());
}

TEST_F(CompatibilityVariablesTest, OpenRouterIsNoBaselineAndNoPolicy) {
  constexpr char kRules[] =
      "routing:\n"
      "  rollout: {baseline: other/base}\n"
      "  selection:\n"
      "    policies:\n"
      "    - {id: a, target: mock/a, fallback_models: [b, c, undefined]}\n"
      "    - {id: b, target: openrouter/b}\n"
      "    - {id: c, target: mock/c}\n";
  EXPECT_EQ(Read({}, kRules).routing().selection().policies_size(), 3);
  const auto routing =
      Read({{"OPENROUTER_FALLBACK_ENABLED", "false"}}, kRules).routing();
  EXPECT_FALSE(routing.rollout().has_baseline());
  ASSERT_EQ(routing.selection().policies_size(), 2);
  EXPECT_EQ(routing.selection().policies(1).id(), "c");
  // What no policy defines is left for others to tell of.
  EXPECT_THAT(routing.selection().policies(0).fallback_models(),
              ElementsAre("c", "undefined"));
  const auto kept = Read({{"OPENROUTER_FALLBACK_ENABLED", "false"}},
                         "routing: {rollout: {baseline: mock/base}}\n")
                        .routing();
  EXPECT_EQ(kept.rollout().baseline().provider(), "mock");
}

TEST_F(CompatibilityVariablesTest, WhatIsWrongIsToldByItsVariable) {
  Read({{"GATEWAY_MAX_RETRIES", "many"},
        {"GATEWAY_RETRY_DELAY", "soon"},
        {"GATEWAY_V2_ENABLED", "maybe"},
        {"LLM_GATEWAY_PORT", "70000"}});
  EXPECT_THAT(problems_,
              ElementsAre("GATEWAY_MAX_RETRIES: must be a whole number, 0 to 9",
                          "GATEWAY_RETRY_DELAY: must be seconds, as in 1.5",
                          "GATEWAY_V2_ENABLED: must be true or false",
                          "LLM_GATEWAY_PORT: must be a port, 0 to 65535"));
}

TEST_F(CompatibilityVariablesTest, RangesAreToldInTheVariablesOwnUnit) {
  Read({{"GATEWAY_MAX_RETRIES", "10"},
        {"GATEWAY_RETRY_DELAY", "1e9"},
        {"LLM_TIMEOUT_SECONDS", "inf"}});
  EXPECT_THAT(problems_,
              ElementsAre("GATEWAY_MAX_RETRIES: must be a whole number, 0 to 9",
                          "GATEWAY_RETRY_DELAY: must be seconds, as in 1.5",
                          "LLM_TIMEOUT_SECONDS: must be seconds, as in 1.5"));
  Read({{"GATEWAY_MAX_RETRIES", "9"}});
  EXPECT_THAT(problems_, IsEmpty());
  Read({{"LLM_MAX_RETRIES", "11"}});
  EXPECT_THAT(problems_,
              ElementsAre("LLM_MAX_RETRIES: must be a whole number, 0 to 10"));
}

TEST_F(CompatibilityVariablesTest, ARedisIsToldByItsUrl) {
  const auto plain = Read({{"REDIS_URL", "redis://cache"}}).redis();
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(plain.addresses(), ElementsAre("cache:6379"));
  EXPECT_FALSE(plain.has_tls());
  const auto whole =
      Read({{"REDIS_URL", "redis://other"},
            {"LLM_GATEWAY_REDIS_URL", "rediss://gw:p%40ss@cache:7000/3"}},
           "redis: {addresses: ['a:1', 'b:2'], topology: cluster}\n")
          .redis();
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(whole.addresses(), ElementsAre("cache:7000"));
  EXPECT_TRUE(whole.has_tls());
  EXPECT_EQ(whole.database(), 3);
  EXPECT_EQ(whole.username(), "gw");
  EXPECT_EQ(whole.password(), "env:LLM_GATEWAY_REDIS_URL");
  Read({{"REDIS_URL", "http://user:secret@cache"}});
  EXPECT_THAT(problems_, ElementsAre("REDIS_URL: must begin with redis:// or "
                                     "rediss://"));
}

TEST_F(CompatibilityVariablesTest, MemoryMayBeLimitedByPercents) {
  const auto soft_percent = [this](const char* text) {
    return Read({{"LLM_GATEWAY_MEMORY_SOFT_LIMIT_PERCENT", text}})
        .overload()
        .memory()
        .soft_percent();
  };
  EXPECT_EQ(soft_percent("80"), 80);
  EXPECT_EQ(soft_percent("0.8"), 80);
  EXPECT_EQ(soft_percent("1"), 100);
  EXPECT_THAT(problems_, IsEmpty());
  Read({{"LLM_GATEWAY_MEMORY_SOFT_LIMIT_PERCENT", "most"},
        {"LLM_GATEWAY_MEMORY_THRESHOLD_MB", "1GB"}});
  EXPECT_THAT(problems_,
              ElementsAre("LLM_GATEWAY_MEMORY_SOFT_LIMIT_PERCENT: must be a "
                          "share, as in 0.8, or percents",
                          "LLM_GATEWAY_MEMORY_THRESHOLD_MB: must be a whole "
                          "number of MiB, as in 1024"));
}

TEST_F(CompatibilityVariablesTest, EachClientIsLimitedByEitherVariable) {
  const GatewayConfig both =
      Read({{"LLM_GATEWAY_RATE_LIMIT_REQUESTS_PER_MINUTE", "120"},
            {"LLM_GATEWAY_RATE_LIMIT_BURST", "20"}},
           "rate_limits: [{name: all, unit: requests, limit: 1000}]\n");
  ASSERT_EQ(both.rate_limits_size(), 2);
  EXPECT_EQ(both.rate_limits(0).name(), "all");
  const auto& rule = both.rate_limits(1);
  EXPECT_EQ(rule.name(), "per-client");
  EXPECT_EQ(rule.unit(), llmgateway::config::v1::LIMIT_UNIT_REQUESTS);
  EXPECT_THAT(rule.per(),
              ElementsAre(llmgateway::config::v1::LIMIT_DIMENSION_PEER));
  EXPECT_EQ(rule.limit(), 120);
  EXPECT_EQ(rule.burst(), 20);
  const GatewayConfig rate =
      Read({{"LLM_GATEWAY_RATE_LIMIT_REQUESTS_PER_MINUTE", "30"}});
  EXPECT_EQ(rate.rate_limits(0).limit(), 30);
  EXPECT_EQ(rate.rate_limits(0).burst(), 10);
  const GatewayConfig burst = Read({{"LLM_GATEWAY_RATE_LIMIT_BURST", "5"}});
  EXPECT_EQ(burst.rate_limits(0).limit(), 60);
  EXPECT_EQ(burst.rate_limits(0).burst(), 5);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
  Read({{"LLM_GATEWAY_RATE_LIMIT_BURST", "many"}});
  EXPECT_THAT(problems_, ElementsAre("LLM_GATEWAY_RATE_LIMIT_BURST: must be a "
                                     "whole number"));
}

TEST_F(CompatibilityVariablesTest, CostsAreBudgets) {
  const GatewayConfig both =
      Read({{"LLM_COST_LIMIT_USD", "12.50"}, {"LLM_COST_WARN_USD", "10"}});
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(warnings_, IsEmpty());
  ASSERT_EQ(both.budgets().rules_size(), 2);
  const auto& limit = both.budgets().rules(0);
  EXPECT_EQ(limit.name(), "cost-limit");
  EXPECT_EQ(limit.unit(), llmgateway::config::v1::LIMIT_UNIT_COST);
  EXPECT_EQ(limit.limit_usd(), "12.5");
  EXPECT_EQ(limit.mode(), llmgateway::config::v1::Budget::MODE_ENFORCE);
  const auto& warning = both.budgets().rules(1);
  EXPECT_EQ(warning.limit_usd(), "10");
  EXPECT_EQ(warning.mode(), llmgateway::config::v1::Budget::MODE_WARN);
  EXPECT_FALSE(Read({{"LLM_COST_LIMIT_USD", "0"}}).has_budgets());
  Read({{"LLM_COST_WARN_USD", "much"}});
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("LLM_COST_WARN_USD: ")));
}

TEST_F(CompatibilityVariablesTest, WhatIsNotFollowedIsWarnedOf) {
  Read({{"LLM_TRACE_ENABLED", "true"},
        {"LLM_TEMPERATURE", "0"},
        {"LLM_MODEL", "gpt-5"},
        {"LLM_API_KEY", "k"},
        {"LLM_GATEWAY_QUEUE_WARNING_THRESHOLD", "20"}});
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(warnings_,
              ElementsAre(HasSubstr("LLM_TEMPERATURE: is for clients"),
                          HasSubstr("LLM_MODEL: is not followed: no provider"),
                          HasSubstr("LLM_API_KEY: is not followed"),
                          HasSubstr("LLM_GATEWAY_QUEUE_WARNING_THRESHOLD: is "
                                    "not followed: nobody waits")));
}

}  // namespace
}  // namespace gateway
