#include "clients/cli/circuits_request.h"

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
TEST(CircuitsRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{},
        {"show"},
        {"list", "openai"},
        {"reset"},
        {"reset", "openai/"},
        {"force", "openai/gpt-5"},
        {"force", "openai/gpt-5", "closed"},
        {"force", "openai", "forced_open"}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        AskCircuits(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskCircuits(nobody, {.words = {"list"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(CircuitsRequestTest, AProviderOrOneModelIsReset) {
  const auto all = ResetCircuitRequestOf({.words = {"reset", "openai"}});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->provider(), "openai");
  EXPECT_EQ(all->model(), "");
  EXPECT_FALSE(all->validate_only());
  const auto one =
      ResetCircuitRequestOf({.words = {"reset", "router/vendor/m"},
                             .flags = {{"--validate_only", "true"}}});
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->provider(), "router");
  EXPECT_EQ(one->model(), "vendor/m");
  EXPECT_TRUE(one->validate_only());
}

TEST(CircuitsRequestTest, ABreakerIsForced) {
  const auto open =
      ForceCircuitRequestOf({.words = {"force", "openai/m", "forced_open"}});
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->state(), v1::ForceCircuitRequest::STATE_FORCED_OPEN);
  EXPECT_EQ(open->provider(), "openai");
  EXPECT_EQ(open->model(), "m");
  EXPECT_EQ(
      ForceCircuitRequestOf({.words = {"force", "a/m", "configured"}})->state(),
      v1::ForceCircuitRequest::STATE_CONFIGURED);
}

TEST(CircuitsRequestTest, TheTableSaysWhyNobodyIsSentThere) {
  v1::ListCircuitsResponse all;
  EXPECT_EQ(CircuitsTable(all.circuits()),
            "nothing has been learned of a target yet\n");
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(circuits { provider: "a" model: "m" state: STATE_OPEN
                    consecutive_failures: 3 window_calls: 10
                    window_failures: 4 times_opened: 1
                    latency { nanos: 250000000 }
                    retry_time { seconds: 1700000000 } }
         circuits { provider: "b" model: "m" state: STATE_CLOSED
                    disabled: true disabled_reason: "by ann" })",
      &all));
  const std::string table = CircuitsTable(all.circuits());
  EXPECT_THAT(table, StartsWith("TARGET  STATE   FAILED"));
  EXPECT_THAT(table, HasSubstr("a/m     open    4/10    3"));
  EXPECT_THAT(table, HasSubstr("250ms"));
  EXPECT_THAT(table, HasSubstr("open until 2023-11-14T22:13:20"));
  EXPECT_THAT(table, HasSubstr("disabled by ann\n"));
}

}  // namespace
}  // namespace gateway
