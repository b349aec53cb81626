#include "clients/cli/route_request.h"

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
TEST(RouteRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {"show"}, {"explain", "m"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskRoute(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskRoute(nobody, {.words = {"explain"},
                                .flags = {{"--request", "no/such.json"}}})
                  .status()
                  .ToString(),
              HasSubstr("no/such.json"));
  EXPECT_THAT(AskRoute(nobody, {.words = {"explain"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(RouteRequestTest, TheTableSaysWhatDecided) {
  v1::ExplainRouteResponse response;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(route { provider: "a" model: "m" reason: "default"
                 fallbacks { provider: "b" } }
         steps { rule: "model_rule:gpt-" verdict: VERDICT_NO_MATCH
                 detail: "another name" }
         steps { rule: "default" verdict: VERDICT_CHOSEN
                 targets { provider: "a" model: "m" } })",
      &response));
  EXPECT_EQ(RouteTable(response),
            "goes to     a/m\n"
            "because of  default\n"
            "then to     b\n"
            "\n"
            "RULE             VERDICT   TARGETS  DETAIL\n"
            "model_rule:gpt-  no_match  -        another name\n"
            "default          chosen    a/m      -\n");
}

TEST(RouteRequestTest, TheTableSaysWhyItGoesNowhere) {
  v1::ExplainRouteResponse response;
  response.set_failure_message("no rule knows it");
  EXPECT_THAT(RouteTable(response), StartsWith("goes        nowhere\n"));
  EXPECT_THAT(RouteTable(response), HasSubstr("no rule knows it\n"));
}

}  // namespace
}  // namespace gateway
