#include "clients/cli/health_request.h"

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
TEST(HealthRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  EXPECT_TRUE(absl::IsInvalidArgument(
      AskHealth(nobody, {.words = {"please"}}).status()));
  EXPECT_THAT(AskHealth(nobody, {}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(HealthRequestTest, WhoAnswersSomeCallsIsWellEnough) {
  v1::GetHealthResponse health;
  EXPECT_FALSE(AnswersCalls(health));
  health.set_status(v1::GetHealthResponse::STATUS_SERVING);
  EXPECT_TRUE(AnswersCalls(health));
  health.set_status(v1::GetHealthResponse::STATUS_DEGRADED);
  EXPECT_TRUE(AnswersCalls(health));
  health.set_status(v1::GetHealthResponse::STATUS_DRAINING);
  EXPECT_FALSE(AnswersCalls(health));
}

TEST(HealthRequestTest, TheTableSaysWhatIsWrong) {
  v1::GetHealthResponse health;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(status: STATUS_DEGRADED problems: "a fails" version: "1.2"
         calls_in_flight: 3
         providers { name: "a" kind: "openai" }
         components { name: "redis" state: STATE_FAILING
                      problem: "is gone" })",
      &health));
  const std::string table = HealthTable(health);
  EXPECT_THAT(table, StartsWith("status     degraded\nproblem    a fails\n"));
  EXPECT_THAT(table, HasSubstr("\na     openai"));
  EXPECT_THAT(table, HasSubstr("COMPONENT  STATE    PROBLEM\n"
                               "redis      failing  is gone\n"));
}

}  // namespace
}  // namespace gateway
