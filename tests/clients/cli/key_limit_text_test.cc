#include "clients/cli/key_limit_text.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"

namespace gateway {
namespace {

namespace configv1 = ::llmgateway::config::v1;

using ::testing::HasSubstr;

TEST(KeyLimitTextTest, ABurstIsWhatStandsBehindTheTime) {
  const auto limit = ParseKeyLimit("requests=60/1m30s/10");
  ASSERT_TRUE(limit.ok()) << limit.status();
  EXPECT_EQ(limit->unit(), configv1::LIMIT_UNIT_REQUESTS);
  EXPECT_EQ(limit->limit(), 60);
  EXPECT_EQ(limit->window().seconds(), 90);
  EXPECT_EQ(limit->burst(), 10);
}

TEST(KeyLimitTextTest, WhatIsLeftOutIsLeftToTheGateway) {
  const auto amount = ParseKeyLimit("total_tokens=5");
  ASSERT_TRUE(amount.ok()) << amount.status();
  EXPECT_FALSE(amount->has_window());
  EXPECT_FALSE(amount->has_burst());
  EXPECT_FALSE(ParseKeyLimit("requests=60/1m")->has_burst());
  const auto burst = ParseKeyLimit("requests=60//10");
  ASSERT_TRUE(burst.ok()) << burst.status();
  EXPECT_FALSE(burst->has_window());
  EXPECT_EQ(burst->burst(), 10);
}

TEST(KeyLimitTextTest, WhatIsShownMeansTheSame) {
  for (const std::string text :
       {"requests=60", "requests=60/60s", "requests=60/60s/10",
        "requests=60//10", "cost=2.50/86400s", "concurrent_calls=4"}) {
    const auto limit = ParseKeyLimit(text);
    ASSERT_TRUE(limit.ok()) << limit.status();
    EXPECT_EQ(KeyLimitText(*limit), text);
  }
}

TEST(KeyLimitTextTest, WhatIsWrongIsNamed) {
  const auto mistake = [](const std::string& text) {
    const absl::Status status = ParseKeyLimit(text).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("--limit")) << text;
    return std::string(status.message());
  };
  EXPECT_THAT(mistake("60"), HasSubstr("requests=60/1m"));
  EXPECT_THAT(mistake("wishes=3"), HasSubstr("'wishes'"));
  EXPECT_THAT(mistake("requests=many/1m"), HasSubstr("'many'"));
  EXPECT_THAT(mistake("requests=60/"), HasSubstr("''"));
  EXPECT_THAT(mistake("requests=60/soon/10"), HasSubstr("'soon'"));
  EXPECT_THAT(mistake("requests=60/1m/few"), HasSubstr("at once, not 'few'"));
  EXPECT_THAT(mistake("requests=60/1m/"), HasSubstr("at once, not ''"));
  EXPECT_THAT(mistake("requests=60/1m/10/9"),
              HasSubstr("requests=60/1m/10, not"));
}

}  // namespace
}  // namespace gateway
