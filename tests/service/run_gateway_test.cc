#include "service/run_gateway.h"

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider_kind.h"
#include "providers/registry/all_providers.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr ProviderSetting kGreetingSettings[] = {
    {.field = "base_url", .value = "https://greetings.example"},
};

// Ours of that name, but with an address of its own.
const ProviderKind& GreetingKind() {
  static const ProviderKind& greeting = *[] {
    llmgateway::config::v1::ProviderConfig config;
    config.mutable_ollama();
    auto* const kind = new ProviderKind(*AllProviderKinds().Find(config));
    kind->settings = kGreetingSettings;
    return kind;
  }();
  return greeting;
}

struct Outcome {
  int code = 0;
  std::string output;
  std::string errors;
};

Outcome RunWith(std::vector<std::string> arguments) {
  // The test runner's; the gateway takes it for a setting.
  unsetenv("LLM_GATEWAY_WIRE_SPECS");
  ProviderKinds kinds = AllProviderKinds();
  kinds.Add(GreetingKind());
  arguments.insert(arguments.begin(), "gateway");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code =
      RunGateway(static_cast<int>(arguments.size()), argv.data(), kinds);
  outcome.output = testing::internal::GetCapturedStdout();
  outcome.errors = testing::internal::GetCapturedStderr();
  return outcome;
}

TEST(RunGatewayTest, TellsOfItself) {
  const Outcome version = RunWith({"--version"});
  EXPECT_EQ(version.code, 0);
  EXPECT_THAT(version.output, HasSubstr("gateway "));
  EXPECT_THAT(RunWith({"--help"}).output, HasSubstr("--check_config"));
}

TEST(RunGatewayTest, RefusesWhatItDoesNotKnow) {
  const Outcome outcome = RunWith({"gateway.yaml"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("unexpected argument 'gateway.yaml'"));
}

TEST(RunGatewayTest, AProgramsOwnKindIsReadAsOurs) {
  const std::string path = testing::TempDir() + "/run_gateway.yaml";
  std::ofstream(path) << "auth: {insecure_allow_anonymous: true}\n"
                         "providers: [{name: greeter, ollama: {}}]\n";
  const Outcome outcome = RunWith({"--config=" + path, "--check_config"});
  EXPECT_EQ(outcome.code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("https://greetings.example"));
}

}  // namespace
}  // namespace gateway
