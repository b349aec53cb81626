#include "providers/provider_kind.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"
#include "providers/provider.h"
#include "providers/provider_setup.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

absl::StatusOr<std::unique_ptr<Provider>> Fail(const ProviderSetup& setup,
                                               const ProviderKind::Config&) {
  return absl::InvalidArgumentError("no such resource: " + setup.name);
}

constinit const ProviderKind kFirst = {.name = "openai", .make = Fail};
constinit const ProviderKind kSecond = {.name = "ollama", .make = Fail};
constinit const ProviderKind kOther = {.name = "openai", .make = Fail};

ProviderKind::Config OpenAi() {
  ProviderKind::Config config;
  config.set_name("x");
  config.mutable_openai();
  return config;
}

TEST(ProviderKindTest, IsFoundByWhatIsConfigured) {
  const ProviderKinds kinds = {&kFirst, &kSecond};
  EXPECT_EQ(kinds.Find(OpenAi()), &kFirst);
  ProviderKind::Config another;
  another.mutable_mock();
  EXPECT_EQ(kinds.Find(another), nullptr);
  EXPECT_EQ(kinds.Find(ProviderKind::Config()), nullptr);
}

TEST(ProviderKindTest, TakesThePlaceOfOneOfTheSameName) {
  ProviderKinds kinds = {&kFirst, &kSecond};
  kinds.Add(kOther);
  EXPECT_EQ(kinds.Find(OpenAi()), &kOther);
  EXPECT_THAT(std::vector<const ProviderKind*>(kinds.begin(), kinds.end()),
              ElementsAre(&kOther, &kSecond));
}

TEST(ProviderKindTest, AProviderThatCannotBeMadeIsNamed) {
  ProviderSetup setup;
  setup.name = "x";
  for (const ProviderKinds& kinds :
       {ProviderKinds({&kFirst}), ProviderKinds({&kSecond})}) {
    const absl::Status status = MakeProvider(kinds, OpenAi(), setup).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("provider 'x': no "));
  }
}

}  // namespace
}  // namespace gateway
