#include "service/config/provider_making.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;

GatewayConfig OneProvider() {
  GatewayConfig config;
  auto& provider = *config.add_providers();
  provider.set_name("a");
  provider.mutable_openai()->set_base_url("https://a.example");
  return config;
}

TEST(ProviderMakingTest, NothingIsSaidOfOneThatIsNotConfigured) {
  EXPECT_FALSE(MakingOf(OneProvider(), "b").has_value());
}

TEST(ProviderMakingTest, AnotherAddressIsAnotherMaking) {
  GatewayConfig other = OneProvider();
  EXPECT_EQ(MakingOf(OneProvider(), "a"), MakingOf(other, "a"));
  other.mutable_providers(0)->mutable_openai()->set_base_url(
      "https://b.example");
  EXPECT_NE(MakingOf(OneProvider(), "a"), MakingOf(other, "a"));
}

TEST(ProviderMakingTest, WhatIsSaidOfModelsAndTargetsStandsBeside) {
  GatewayConfig other = OneProvider();
  other.mutable_providers(0)->add_models("m");
  other.mutable_providers(0)->mutable_resilience();
  EXPECT_EQ(MakingOf(OneProvider(), "a"), MakingOf(other, "a"));
}

}  // namespace
}  // namespace gateway
