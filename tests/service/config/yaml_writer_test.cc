#include "service/config/yaml_writer.h"

#include <string>

#include "base/text/shown_text.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/registry/all_providers.h"
#include "service/config/config_problem.h"
#include "service/config/defaults.h"
#include "service/config/loader.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;
using ::llmgateway::config::v1::LOG_LEVEL_DEBUG;

TEST(YamlWriterTest, WritesAsPeopleDo) {
  GatewayConfig config;
  config.mutable_listeners()->mutable_http()->set_address("127.0.0.1:80");
  config.mutable_listeners()->mutable_http()->set_body_bytes_limit(32 << 20);
  config.mutable_listeners()->mutable_admin();
  auto* provider = config.add_providers();
  provider->set_name("openai");
  provider->add_models("a");
  (*provider->mutable_model_aliases())["y"] = "b";
  (*provider->mutable_model_aliases())["x"] = "c";
  auto* timeouts = provider->mutable_openai()->mutable_http();
  timeouts->mutable_timeouts()->mutable_connect()->set_nanos(250'000'000);
  config.add_providers()->mutable_mock();
  config.mutable_resilience()->mutable_retry()->set_backoff_multiplier(1.1);
  config.mutable_runtime()->mutable_drain_grace();
  EXPECT_EQ(WriteYaml(config),
            "listeners:\n"
            "  http:\n"
            "    address: \"127.0.0.1:80\"\n"
            "    body_bytes_limit: 32MiB\n"
            "  admin: {}\n"
            "providers:\n"
            "  - name: \"openai\"\n"
            "    models:\n"
            "      - \"a\"\n"
            "    model_aliases:\n"
            "      \"x\": \"c\"\n"
            "      \"y\": \"b\"\n"
            "    openai:\n"
            "      http:\n"
            "        timeouts:\n"
            "          connect: 250ms\n"
            "  - mock: {}\n"
            "resilience:\n"
            "  retry:\n"
            "    backoff_multiplier: 1.1\n"
            "runtime:\n"
            "  drain_grace: 0s\n");
}

TEST(YamlWriterTest, WhatItWritesReadsAsTheSame) {
  GatewayConfig config;
  for (const char* name : {"anthropic", "mock", "openai"}) {
    config.add_providers()->set_name(name);
  }
  auto* anthropic = config.mutable_providers(0)->mutable_anthropic();
  anthropic->add_betas("b");
  anthropic->set_api_key("env:KEY");
  (*anthropic->mutable_http()->mutable_headers())["x: \"#"] = "- {a: &b}";
  config.mutable_providers(1)->mutable_mock()->set_reply(
      "\x01 \x1f\x7f \\ \" ' \n\t\r: # \xc3\xa9 \xf0\x9f\x98\x80 null"
      "\xc2\x9b \xe2\x80\xae \xf3\xa0\x80\x81");
  config.mutable_providers(2)->mutable_openai();
  auto& logging = *config.mutable_logging();
  (*logging.mutable_module_levels())["http"] = LOG_LEVEL_DEBUG;
  logging.set_log_prompts(true);
  config.mutable_resilience()->mutable_retry()->set_backoff_multiplier(1.0 / 3);
  config.mutable_limits()->set_response_bytes_limit(4097);
  auto& grace = *config.mutable_runtime()->mutable_drain_grace();
  grace.set_seconds(3723);
  grace.set_nanos(1);
  auto& key = *config.mutable_auth()->mutable_callers()->add_api_keys();
  key.mutable_expire_time()->set_seconds(-1);
  key.mutable_expire_time()->set_nanos(250'000'000);
  ApplyDefaults(AllProviderKinds(), &config);

  const std::string yaml = WriteYaml(config);
  // Nor does a terminal obey any of it.
  EXPECT_EQ(yaml, ShownText(yaml));
  ConfigProblems problems("f");
  const LoadedConfig loaded = LoadConfigText(yaml, &problems);
  EXPECT_TRUE(problems.empty());
  EXPECT_EQ(loaded.config.DebugString(), config.DebugString());
}

TEST(YamlWriterTest, WritesNothingOfNothing) {
  EXPECT_EQ(WriteYaml(GatewayConfig()), "");
}

}  // namespace
}  // namespace gateway
