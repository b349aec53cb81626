#include "clients/cli/providers_request.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;
using ::testing::StartsWith;

// What a gateway answers is asked of one in gatewayctl_operator_test.py.
TEST(ProvidersRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {"show"}, {"list", "openai"}, {"get"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        AskProviders(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskProviders(nobody, {.words = {"list"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(ProvidersRequestTest, TheTablesSayHowTheyAreDoing) {
  v1::ListProvidersResponse all;
  EXPECT_EQ(ProvidersTable(all), "no provider is configured\n");
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(providers {
           name: "openai" kind: "openai" credential: CREDENTIAL_ABSENT
           models: "gpt-5" models: "gpt-5-mini"
           health { state: STATE_FAILING attempts: 7 failures: 2
                    consecutive_failures: 1
                    last_failure_time { seconds: 1700000000 }
                    last_failure: ERROR_REASON_PROVIDER_TIMEOUT } })",
      &all));
  const std::string table = ProvidersTable(all);
  EXPECT_THAT(table, StartsWith("NAME    KIND    STATE    CREDENTIAL"));
  EXPECT_THAT(table, HasSubstr("openai  openai  failing  absent      7"));
  const std::string one = ProviderTable(all.providers(0));
  EXPECT_THAT(one, HasSubstr("gpt-5, gpt-5-mini"));
  EXPECT_THAT(one, HasSubstr("7, 2 failed, 1 of the latest in a row"));
  EXPECT_THAT(one, HasSubstr("last success  -\n"));
  EXPECT_THAT(one, HasSubstr("2023-11-14T22:13:20"));
}

}  // namespace
}  // namespace gateway
