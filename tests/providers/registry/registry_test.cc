#include "providers/registry/registry.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"
#include "providers/registry/all_providers.h"
#include "service/config/defaults.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<std::unique_ptr<const ProviderRegistry>> Make(
    const std::string& text, std::vector<std::string>* asked) {
  llmgateway::config::v1::GatewayConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config));
  ApplyDefaults(AllProviderKinds(), &config);
  return ProviderRegistry::Make(
      AllProviderKinds(), config.providers(),
      [&](std::string_view name) {
        asked->push_back(std::string(name));
        return ProviderRegistry::Credentials{.absent = name == "keyless",
                                             .present = {}};
      },
      config.limits());
}

TEST(ProviderRegistryTest, HoldsProvidersInTheirOrder) {
  std::vector<std::string> asked;
  const auto registry = Make(
      R"(providers { name: "z" mock {} }
         providers { name: "keyless" openai {} models: "m1" models: "m2" }
         providers { name: "a" anthropic {}
                     model_aliases { key: "fast" value: "a-mini" } })",
      &asked);
  ASSERT_TRUE(registry.ok()) << registry.status();
  std::vector<std::string> names;
  for (const ProviderRegistry::Entry& entry : (*registry)->entries()) {
    names.push_back(entry.name + " " + entry.kind);
    EXPECT_EQ(entry.provider->name(), entry.name);
    EXPECT_EQ(entry.credential_absent, entry.name == "keyless");
    EXPECT_EQ((*registry)->Find(entry.name), &entry);
  }
  EXPECT_THAT(names, ElementsAre("z mock", "keyless openai", "a anthropic"));
  EXPECT_THAT(asked, ElementsAre("z", "keyless", "a"));
  EXPECT_EQ((*registry)->Find("Z"), nullptr);
  EXPECT_EQ((*registry)->Find(""), nullptr);
  EXPECT_THAT((*registry)->Find("keyless")->models, ElementsAre("m1", "m2"));
  EXPECT_THAT((*registry)->Find("z")->models, ElementsAre("mock-model"));
  const ProviderRegistry::Entry& a = *(*registry)->Find("a");
  EXPECT_EQ(a.UpstreamModel("fast"), "a-mini");
  EXPECT_EQ(a.UpstreamModel("faster"), "faster");
}

TEST(ProviderRegistryTest, FindsEachAmongMany) {
  for (const int count : {0, 1, 8, 9, 256}) {
    std::vector<ProviderRegistry::Entry> entries;
    for (int i = 0; i < count; ++i) {
      entries.push_back({.name = "p" + std::to_string(i)});
    }
    const ProviderRegistry registry(std::move(entries));
    for (const ProviderRegistry::Entry& entry : registry.entries()) {
      EXPECT_EQ(registry.Find(entry.name), &entry);
    }
    EXPECT_EQ(registry.Find("p" + std::to_string(count)), nullptr);
    EXPECT_EQ(registry.Find(""), nullptr);
  }
}

TEST(ProviderRegistryTest, OneBadProviderIsAnError) {
  std::vector<std::string> asked;
  const auto registry =
      Make(R"(providers { name: "a" mock {} }
              providers { name: "b" openai { base_url: "nonsense" } })",
           &asked);
  EXPECT_THAT(std::string(registry.status().message()),
              HasSubstr("provider 'b': "));
}

}  // namespace
}  // namespace gateway
