#include "service/alerts/alert_condition.h"

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

using Measure = AlertCondition::Measure;
using Order = AlertCondition::Order;

AlertCondition Parsed(const char* text) {
  const absl::StatusOr<AlertCondition> parsed = ParseAlertCondition(text);
  EXPECT_TRUE(parsed.ok()) << text << ": " << parsed.status();
  return parsed.value_or(AlertCondition());
}

std::string ProblemOf(const char* text) {
  const absl::Status status = ParseAlertCondition(text).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

TEST(AlertConditionTest, EachMeasureHasAUnit) {
  EXPECT_EQ(Parsed("error_rate > 5%"),
            (AlertCondition{Measure::kErrorRate, Order::kAbove, 5}));
  EXPECT_EQ(Parsed("avg_latency > 10s"),
            (AlertCondition{Measure::kAverageLatency, Order::kAbove, 10}));
  EXPECT_EQ(Parsed("hourly_cost > $50"),
            (AlertCondition{Measure::kHourlyCost, Order::kAbove, 50}));
  EXPECT_EQ(Parsed("model_consecutive_failures > 5"),
            (AlertCondition{Measure::kConsecutiveFailures, Order::kAbove, 5}));
}

TEST(AlertConditionTest, BlanksCountForNothingAndNumbersMayHaveParts) {
  EXPECT_EQ(Parsed("  error_rate>=0.5 % "),
            (AlertCondition{Measure::kErrorRate, Order::kAtLeast, 0.5}));
  EXPECT_EQ(Parsed("avg_latency<1m30s"),
            (AlertCondition{Measure::kAverageLatency, Order::kBelow, 90}));
  EXPECT_EQ(Parsed("avg_latency <= 250ms"),
            (AlertCondition{Measure::kAverageLatency, Order::kAtMost, 0.25}));
  EXPECT_EQ(Parsed("hourly_cost > $ 0.05"),
            (AlertCondition{Measure::kHourlyCost, Order::kAbove, 0.05}));
}

TEST(AlertConditionTest, AMistakeNamesWhatIsAllowed) {
  for (const char* text :
       {"", "latency > 10s", "error_rates > 5%", "> 5%", "5% < error_rate"}) {
    EXPECT_THAT(ProblemOf(text),
                HasSubstr("must begin with error_rate, avg_latency, "
                          "hourly_cost or model_consecutive_failures"));
  }
  for (const char* text : {"error_rate", "error_rate 5%", "error_rate = 5%"}) {
    EXPECT_THAT(ProblemOf(text),
                HasSubstr("must have >, >=, < or <= behind error_rate, as in "
                          "'error_rate > 5%'"));
  }
  for (const char* text :
       {"hourly_cost > 50", "hourly_cost > $", "hourly_cost > $-1",
        "hourly_cost > $nan", "hourly_cost > $1e13", "hourly_cost => $5"}) {
    EXPECT_THAT(ProblemOf(text), HasSubstr("hourly_cost > $50"));
  }
  for (const char* text :
       {"error_rate > 5", "avg_latency > 10", "avg_latency > 5%",
        "avg_latency > inf", "model_consecutive_failures > 2.5",
        "model_consecutive_failures > five"}) {
    EXPECT_THAT(ProblemOf(text),
                HasSubstr("must end with a number in the unit of "));
  }
}

TEST(AlertConditionTest, TheEdgeBelongsToThoseThatSaySo) {
  EXPECT_FALSE(Parsed("error_rate > 5%").IsTrueOf(5));
  EXPECT_TRUE(Parsed("error_rate > 5%").IsTrueOf(5.001));
  EXPECT_TRUE(Parsed("error_rate >= 5%").IsTrueOf(5));
  EXPECT_FALSE(Parsed("error_rate >= 5%").IsTrueOf(4.999));
  EXPECT_FALSE(Parsed("error_rate < 5%").IsTrueOf(5));
  EXPECT_TRUE(Parsed("error_rate < 5%").IsTrueOf(4.999));
  EXPECT_TRUE(Parsed("error_rate <= 5%").IsTrueOf(5));
  EXPECT_FALSE(Parsed("error_rate <= 5%").IsTrueOf(5.001));
}

}  // namespace
}  // namespace gateway
