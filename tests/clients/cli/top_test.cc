#include "clients/cli/top.h"

#include <sstream>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

// What a gateway tells is asked of one in gatewayctl_operator_test.py.
TEST(TopTest, FlagsSayWhichCallsAreShown) {
  const auto request = WatchRequestsRequestOf(
      {.flags = {{"--provider", "a"}, {"--failures", "true"}}});
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->provider(), "a");
  EXPECT_TRUE(request->failures_only());
  EXPECT_TRUE(request->include_progress());
}

TEST(TopTest, LinesAreCutToTheColumnsOfATerminal) {
  EXPECT_EQ(CutToColumns("abcd\nab\n\nabc", 3), "abc\nab\n\nabc");
  EXPECT_EQ(CutToColumns("\u00e4\u4e16xy\nz", 2), "\u00e4\u4e16\nz");
  EXPECT_EQ(CutToColumns("", 3), "");
}

TEST(TopTest, OnlyWhatIsMeantIsAskedFor) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  const Console console{in, out, err};
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  EXPECT_TRUE(
      absl::IsInvalidArgument(Top(nobody, {.words = {"all"}}, console)));
  for (const char* const wrong : {"0", "many"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(
        Top(nobody, {.flags = {{"--count", wrong}}}, console)))
        << wrong;
  }
  EXPECT_THAT(Top(nobody, {}, console).ToString(), HasSubstr("127.0.0.1:1"));
}

}  // namespace
}  // namespace gateway
