#include "providers/provider_settings.h"

#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::ProviderConfig;

TEST(ProviderSettingsTest, AreThoseOfTheKindThatIsConfigured) {
  ProviderConfig config;
  config.mutable_openai()->set_base_url("https://a.example");
  EXPECT_EQ(ProviderKindName(config), "openai");
  EXPECT_EQ(ProviderSettings(config), &config.openai());
  EXPECT_EQ(TextSetting(config.openai(), "base_url"), "https://a.example");
  config.mutable_local_cli();
  EXPECT_EQ(ProviderKindName(config), "local_cli");
  EXPECT_EQ(MutableProviderSettings(&config), config.mutable_local_cli());
}

TEST(ProviderSettingsTest, AreNoneWithoutAKind) {
  ProviderConfig config;
  EXPECT_EQ(ProviderKindName(config), "");
  EXPECT_EQ(ProviderSettings(config), nullptr);
  EXPECT_EQ(MutableProviderSettings(&config), nullptr);
}

TEST(ProviderSettingsTest, TellAFieldThatIsEmptyFromOneThatIsNotThere) {
  const ProviderConfig config;
  EXPECT_TRUE(HasSetting(config.openai(), "api_key"));
  EXPECT_EQ(TextSetting(config.openai(), "api_key"), "");
  EXPECT_FALSE(HasSetting(config.mock(), "api_key"));
  EXPECT_EQ(TextSetting(config.mock(), "api_key"), "");
}

TEST(ProviderSettingsTest, KnowHowAServiceIsReached) {
  ProviderConfig config;
  config.mutable_ollama()->mutable_http()->set_proxy("http://p:1");
  EXPECT_EQ(HttpSettings(config.ollama())->proxy(), "http://p:1");
  EXPECT_EQ(MutableHttpSettings(config.mutable_ollama()),
            config.mutable_ollama()->mutable_http());
  EXPECT_EQ(HttpSettings(config.local_cli()), nullptr);
  EXPECT_EQ(MutableHttpSettings(config.mutable_local_cli()), nullptr);
}

}  // namespace
}  // namespace gateway
