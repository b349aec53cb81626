#include "service/config/snapshot.h"

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/config/environment.h"
#include "tests/service/config/made_snapshot.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kProviders =
    "providers:\n"
    "- {name: openai, openai: {api_key: 'env:OPENAI_KEY'}}\n"
    "- {name: anthropic, anthropic: {api_key: 'env:ANTHROPIC_KEY'}}\n"
    "- {name: local, openai: {base_url: 'http://127.0.0.1:1'}}\n"
    "- {name: mock, mock: {}}\n";

TEST(ConfigSnapshotTest, HoldsTheCredentialsOfProviders) {
  const Made made = Make(kProviders, {{"OPENAI_KEY", "sk-hunter2"}});
  ASSERT_NE(made.snapshot, nullptr);
  const ConfigSnapshot& snapshot = *made.snapshot;
  EXPECT_EQ(snapshot.CredentialOf("openai"),
            ConfigSnapshot::Credential::kPresent);
  ASSERT_EQ(snapshot.CredentialsOf("openai").size(), 1u);
  EXPECT_EQ(snapshot.CredentialsOf("openai")[0].key.Reveal(), "sk-hunter2");
  EXPECT_EQ(snapshot.CredentialsOf("openai")[0].weight, 1);
  EXPECT_EQ(snapshot.CredentialsOf("openai")[0].name, "default");
  EXPECT_EQ(snapshot.CredentialOf("anthropic"),
            ConfigSnapshot::Credential::kAbsent);
  EXPECT_TRUE(snapshot.CredentialsOf("anthropic").empty());
  for (const char* name : {"local", "mock", "nobody"}) {
    EXPECT_EQ(snapshot.CredentialOf(name),
              ConfigSnapshot::Credential::kNotNeeded);
    EXPECT_TRUE(snapshot.CredentialsOf(name).empty());
  }
}

TEST(ConfigSnapshotTest, ShowsItselfWithoutSecrets) {
  const Environment environment = {{"OPENAI_KEY", "sk-hunter2"}};
  const Made made = Make(kProviders, environment);
  ASSERT_NE(made.snapshot, nullptr);
  EXPECT_THAT(made.snapshot->masked_yaml(), HasSubstr("\"env:OPENAI_KEY\""));
  EXPECT_THAT(made.snapshot->masked_yaml(), Not(HasSubstr("hunter2")));
  EXPECT_EQ(made.snapshot->checksum().size(), 64u);
  EXPECT_EQ(made.snapshot->checksum(),
            Make(kProviders, environment).snapshot->checksum());
  EXPECT_NE(made.snapshot->checksum(), Make("", {}).snapshot->checksum());
  EXPECT_EQ(made.snapshot->source(), "f");
  EXPECT_EQ(made.snapshot->load_time(), absl::FromUnixSeconds(7));
}

TEST(ConfigSnapshotTest, TheEtagStandsForWhatIsMaskedToo) {
  const auto with_header = [](const std::string& value) {
    return Make("providers:\n- {name: a, openai: {http: {headers: {x-a: '" +
                    value + "'}}}}\n",
                {})
        .snapshot;
  };
  const auto first = with_header("1234");
  const auto second = with_header("1235");
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(first->checksum(), second->checksum());
  EXPECT_NE(first->etag(), second->etag());
  EXPECT_EQ(first->etag(), with_header("1234")->etag());
  EXPECT_EQ(first->etag().size(), 64u);
}

}  // namespace
}  // namespace gateway
