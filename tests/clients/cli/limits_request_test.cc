#include "clients/cli/limits_request.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/limits.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;
namespace configv1 = ::llmgateway::config::v1;

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// What a gateway answers is asked of one in limit_usage_test.py.
TEST(LimitsRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {"grow"}, {"reset"}, {"list", "rpm"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskLimits(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskLimits(nobody, {.words = {"list"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(LimitsRequestTest, AListMayBeOfOneLimitAndOneSubject) {
  const auto request = ListUsageRequestOf(
      {.words = {"list"}, .flags = {{"--rule", "rpm"}, {"--subject", "ann"}}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->rule(), "rpm");
  EXPECT_EQ(request->subject(), "ann");
}

TEST(LimitsRequestTest, AResetNamesItsSubjectByDimensions) {
  const auto request = ResetLimitRequestOf(
      {.words = {"reset", "rpm"},
       .flags = {{"--subject", "user=ann"}, {"--subject", "caller=a=b"}}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->rule(), "rpm");
  EXPECT_THAT(request->subject(),
              UnorderedElementsAre(Pair("user", "ann"), Pair("caller", "a=b")));
  EXPECT_THAT(std::string(ResetLimitRequestOf({.words = {"reset", "rpm"},
                                               .flags = {{"--subject", "ann"}}})
                              .status()
                              .message()),
              HasSubstr("--subject must be as user=ann, not 'ann'"));
}

TEST(LimitsRequestTest, TheTableSaysHowMuchIsLeftAndUntilWhen) {
  v1::ListLimitUsageResponse response;
  v1::LimitUsage& rpm = *response.add_usage();
  rpm.set_rule("rpm");
  rpm.set_unit(configv1::LIMIT_UNIT_REQUESTS);
  (*rpm.mutable_subject())["user"] = "ann";
  (*rpm.mutable_subject())["caller"] = "web";
  rpm.set_limit(60);
  rpm.set_remaining(12);
  rpm.mutable_window()->set_seconds(60);
  rpm.mutable_reset_time()->set_seconds(1'893'456'000);
  v1::LimitUsage& spend = *response.add_usage();
  spend.set_rule("spend");
  spend.set_unit(configv1::LIMIT_UNIT_COST);
  spend.set_limit(2'500'000'000);
  spend.set_remaining(1);
  EXPECT_EQ(
      LimitUsageTable(response),
      "LIMIT  UNIT      SUBJECT              LEFT          OF            "
      "WINDOW  FULL AGAIN\n"
      "rpm    requests  caller=web user=ann  12            60            1m   "
      "   2030-01-01T00:00:00Z\n"
      "spend  cost      -                    $0.000000001  $2.500000000  -    "
      "   -\n");
}

}  // namespace
}  // namespace gateway
