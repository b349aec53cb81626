#include "service/config/environment.h"

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "service/config/config_problem.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Apply(const Environment& environment,
                               GatewayConfig* config) {
  ConfigProblems problems("f");
  ApplyEnvironment(environment, config, &problems);
  std::vector<std::string> lines;
  for (const ConfigProblem& problem : problems.Sorted()) {
    lines.push_back(problem.ToString());
  }
  return lines;
}

TEST(EnvironmentTest, OverridesTheFile) {
  GatewayConfig config;
  config.mutable_listeners()->mutable_http()->set_address("file");
  config.mutable_routing()->set_strict(true);
  EXPECT_THAT(Apply({{"LLM_GATEWAY_LISTENERS_HTTP_ADDRESS", "0.0.0.0:80"},
                     {"LLM_GATEWAY_ROUTING_STRICT", "false"},
                     {"LLM_GATEWAY_RUNTIME_DRAIN_GRACE", "5s"},
                     {"LLM_GATEWAY_LIMITS_RESPONSE_BYTES_LIMIT", "1MiB"},
                     {"LLM_GATEWAY_LOGGING_LEVEL", "debug"}},
                    &config),
              IsEmpty());
  EXPECT_EQ(config.listeners().http().address(), "0.0.0.0:80");
  EXPECT_FALSE(config.routing().strict());
  EXPECT_EQ(config.runtime().drain_grace().seconds(), 5);
  EXPECT_EQ(config.limits().response_bytes_limit(), 1 << 20);
  EXPECT_EQ(config.logging().level(), llmgateway::config::v1::LOG_LEVEL_DEBUG);
}

TEST(EnvironmentTest, LeavesTheRestAlone) {
  GatewayConfig config;
  EXPECT_THAT(Apply({{"PATH", "/bin"},
                     {"LLM_GATEWAY", "x"},
                     {"LLM_GATEWAYS_X", "x"},
                     {"LLM_GATEWAY_LOGGING_LEVEL", ""}},
                    &config),
              IsEmpty());
  EXPECT_EQ(config.ByteSizeLong(), 0u);
}

TEST(EnvironmentTest, ReportsVariablesThatSetNothing) {
  GatewayConfig config;
  EXPECT_THAT(
      Apply({{"LLM_GATEWAY_LISTENERS_HTTP_ADRESS", "x"},
             {"LLM_GATEWAY_PRT", "80"},
             {"LLM_GATEWAY_QWERTZUIOP", "x"},
             {"LLM_GATEWAY_RUNTIME_EVENT_LOOPS", "many"}},
            &config),
      ElementsAre(
          "environment: LLM_GATEWAY_LISTENERS_HTTP_ADRESS: sets no field; did "
          "you mean 'LLM_GATEWAY_LISTENERS_HTTP_ADDRESS'?",
          "environment: LLM_GATEWAY_PRT: sets no field; did you mean "
          "'LLM_GATEWAY_PORT'?",
          "environment: LLM_GATEWAY_QWERTZUIOP: sets no field; unset it, or "
          "see "
          "docs/configuration.md",
          "environment: LLM_GATEWAY_RUNTIME_EVENT_LOOPS: 'many' is not a whole "
          "number"));
}

TEST(EnvironmentTest, WhatIsRefusedMakesNoSection) {
  GatewayConfig config;
  EXPECT_THAT(Apply({{"LLM_GATEWAY_OVERLOAD_CONCURRENCY_CALLS_LIMIT", "many"},
                     {"LLM_GATEWAY_MAX_CONCURRENT_REQUESTS", "many"}},
                    &config),
              SizeIs(2));
  EXPECT_FALSE(config.has_overload());
}

TEST(EnvironmentTest, LetsTheVariablesOfKubernetesPass) {
  GatewayConfig config;
  EXPECT_THAT(Apply({{"LLM_GATEWAY_SERVICE_HOST", "10.0.0.1"},
                     {"LLM_GATEWAY_SERVICE_PORT", "50051"},
                     {"LLM_GATEWAY_SERVICE_PORT_GRPC", "50051"},
                     {"LLM_GATEWAY_PORT", "tcp://10.0.0.1:50051"},
                     {"LLM_GATEWAY_PORT_50051_TCP", "tcp://10.0.0.1:50051"},
                     {"LLM_GATEWAY_PORT_50051_TCP_PROTO", "tcp"},
                     {"LLM_GATEWAY_PORT_50051_TCP_PORT", "50051"},
                     {"LLM_GATEWAY_PORT_50051_TCP_ADDR", "10.0.0.1"},
                     {"LLM_GATEWAY_ADMIN_SERVICE_HOST", "10.0.0.2"}},
                    &config),
              IsEmpty());
  EXPECT_FALSE(Apply({{"LLM_GATEWAY_PORTS", "8080"}}, &config).empty());
}

TEST(EnvironmentTest, NoTwoFieldsShareAVariable) {
  std::set<std::string> names;
  for (const EnvironmentOverride& override : EnvironmentOverrides()) {
    EXPECT_TRUE(names.insert(override.variable).second) << override.variable;
  }
  EXPECT_TRUE(names.contains("LLM_GATEWAY_ROUTING_DEFAULT_TARGET_PROVIDER"));
  EXPECT_TRUE(names.contains("LLM_GATEWAY_LISTENERS_GRPC_TLS_CERT_CHAIN"));
}

TEST(EnvironmentTest, EveryVariableIsInTheDocumentation) {
  std::ifstream page("docs/configuration.md");
  ASSERT_TRUE(page.is_open());
  std::vector<std::string> documented;
  for (std::string line; std::getline(page, line);) {
    // Those are compatibility_variables_test.cc's.
    if (line == "## Variables of other systems") break;
    if (line.starts_with("| `LLM_GATEWAY_")) documented.push_back(line);
  }
  std::vector<std::string> known;
  for (const EnvironmentOverride& override : EnvironmentOverrides()) {
    known.push_back(
        absl::StrCat("| `", override.variable, "` | `", override.path, "` |"));
  }
  EXPECT_EQ(documented, known);
}

}  // namespace
}  // namespace gateway
