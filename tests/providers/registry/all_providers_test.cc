#include "providers/registry/all_providers.h"

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/provider.h"
#include "providers/provider_settings.h"
#include "providers/provider_setup.h"
#include "service/config/defaults.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

llmgateway::config::v1::ProviderConfig Config(const std::string& text) {
  llmgateway::config::v1::GatewayConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      text, config.add_providers()));
  ApplyDefaults(AllProviderKinds(), &config);
  return config.providers(0);
}

absl::StatusOr<std::unique_ptr<Provider>> MakeOne(const std::string& text) {
  ProviderSetup setup;
  setup.name = "x";
  setup.credentials.push_back({"default", Secret("key")});
  return MakeProvider(AllProviderKinds(), Config(text), setup);
}

TEST(AllProvidersTest, MakesEveryKind) {
  struct Kind {
    const char* config;
    const char* kind;
    const char* dialect;  // Null for none.
  };
  for (const Kind& each :
       {Kind{"name: 'x' openai {}", "openai", "openai_chat"},
        Kind{"name: 'x' anthropic {}", "anthropic", "anthropic_messages"},
        Kind{"name: 'x' gemini {}", "gemini", "gemini"},
        Kind{"name: 'x' ollama {}", "ollama", "ollama"},
        Kind{"name: 'x' local_cli {}", "local_cli", nullptr},
        Kind{"name: 'x' azure_openai { base_url: 'https://a.example' }",
             "azure_openai", "openai_chat"},
        Kind{"name: 'x' deepseek {}", "deepseek", "openai_chat"},
        Kind{"name: 'x' openai_compatible { preset: PRESET_GROQ }",
             "openai_compatible", "openai_chat"},
        Kind{"name: 'x' openrouter {}", "openrouter", "openai_chat"},
        Kind{"name: 'x' mock {}", "mock", nullptr}}) {
    const auto made = MakeOne(each.config);
    ASSERT_TRUE(made.ok()) << made.status();
    EXPECT_EQ((*made)->name(), "x");
    EXPECT_EQ(ProviderKindName(Config(each.config)), each.kind);
    if (each.dialect != nullptr) {
      ASSERT_NE((*made)->FindDialect(each.dialect), nullptr);
      EXPECT_EQ((*made)->FindDialect(each.dialect)->name(), each.dialect);
    }
    EXPECT_EQ((*made)->FindDialect("nobody's"), nullptr);
  }
}

// A kind in the schema that this table forgot would fail at start-up only.
TEST(AllProvidersTest, KnowsEveryKindOfTheSchema) {
  const auto* kinds =
      llmgateway::config::v1::ProviderConfig::descriptor()->FindOneofByName(
          "kind");
  ASSERT_NE(kinds, nullptr);
  for (int i = 0; i < kinds->field_count(); ++i) {
    const std::string& kind = kinds->field(i)->name();
    const bool homeless = kind == "azure_openai" || kind == "openai_compatible";
    const std::string config =
        "name: 'x' " + kind + " {" +
        (homeless ? "base_url: 'https://a.example'" : "") + "}";
    const auto made = MakeOne(config);
    EXPECT_TRUE(made.ok()) << kind;
    EXPECT_EQ(ProviderKindName(Config(config)), kind);
  }
}

// Nobody reads a table's names and values before a configuration is read.
TEST(AllProvidersTest, TablesNameWhatIsThere) {
  for (const ProviderKind* kind : AllProviderKinds()) {
    const std::string name(kind->name);
    const llmgateway::config::v1::ProviderConfig config =
        Config("name: 'x' " + name + " {}");
    const auto& settings = *ProviderSettings(config);
    for (const ProviderSetting& setting : kind->settings) {
      const std::string at = name + "." + std::string(setting.field);
      const auto* field =
          settings.GetDescriptor()->FindFieldByName(std::string(setting.field));
      ASSERT_NE(field, nullptr) << at;
      EXPECT_EQ(field->is_repeated(), setting.entries_limit > 0) << at;
      EXPECT_EQ(setting.least.empty(), setting.most.empty()) << at;
      if (setting.value.empty()) continue;
      ASSERT_FALSE(field->is_repeated()) << at;
      EXPECT_TRUE(settings.GetReflection()->HasField(settings, field)) << at;
    }
  }
}

TEST(AllProvidersTest, SaysWhichProviderIsWrong) {
  for (const char* config :
       {"name: 'x' openai { base_url: 'ftp://a' }",
        "name: 'x' anthropic { http { ca_file: '/nonexistent' } }",
        "name: 'x' openai { http { proxy: 'https://p:1' } }", "name: 'x'"}) {
    const auto made = MakeOne(config);
    EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(made.status().message()),
                HasSubstr("provider 'x': "));
  }
}

}  // namespace
}  // namespace gateway
