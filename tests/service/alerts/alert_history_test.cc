#include "service/alerts/alert_history.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

constexpr absl::Duration kSteadyStart = absl::Hours(3);

TEST(AlertHistoryTest, AWindowHasWhatCameInIt) {
  AlertHistory history(absl::Hours(1));
  // A call each second, looked at each ten.
  for (int second = 0; second <= 600; second += 10) {
    history.Add(kSteadyStart + absl::Seconds(second), {.calls = second});
  }
  EXPECT_EQ(history.Over(absl::Seconds(60)).calls, 60);
  EXPECT_EQ(history.Over(absl::Seconds(10)).calls, 10);
  EXPECT_EQ(history.Over(absl::Seconds(600)).calls, 600);
  // Between two looks it begins at the one before.
  EXPECT_EQ(history.Over(absl::Seconds(55)).calls, 60);
}

TEST(AlertHistoryTest, BeforeAWindowIsFullItHasAllThatThereWas) {
  AlertHistory history(absl::Hours(1));
  EXPECT_EQ(history.Over(absl::Minutes(5)), AlertTotals());
  // Calls came before the first look.
  history.Add(kSteadyStart, {.calls = 7});
  EXPECT_EQ(history.Over(absl::Minutes(5)).calls, 7);
  history.Add(kSteadyStart + absl::Seconds(15), {.calls = 9});
  EXPECT_EQ(history.Over(absl::Minutes(5)).calls, 9);
}

TEST(AlertHistoryTest, WhatIsOlderThanTheLongestWindowIsLetGoOf) {
  AlertHistory history(absl::Minutes(1));
  for (int i = 0; i < 100'000; ++i) {
    history.Add(kSteadyStart + absl::Seconds(i), {.calls = i});
  }
  EXPECT_EQ(history.Over(absl::Minutes(1)).calls, 60);
  EXPECT_LE(history.Over(absl::Hours(24)).calls, 62);
}

TEST(AlertHistoryTest, ALongWindowIsKeptInAThousandParts) {
  AlertHistory history(absl::Hours(24));
  for (int i = 0; i <= 2 * 86'400; ++i) {
    history.Add(kSteadyStart + absl::Seconds(i), {.calls = i});
  }
  const int64_t calls = history.Over(absl::Hours(24)).calls;
  EXPECT_GE(calls, 86'400);
  EXPECT_LE(calls, 86'400 + 87);
}

TEST(CostHourTest, AnHourOfMinutesIsSummedInDollars) {
  const absl::Time noon = absl::FromUnixSeconds(1'800'000'000);
  CostHour cost;
  EXPECT_EQ(cost.Dollars(noon), 0);
  cost.Add(noon, 1'500'000'000);
  cost.Add(noon + absl::Minutes(59), 250'000'000);
  EXPECT_DOUBLE_EQ(cost.Dollars(noon + absl::Minutes(59)), 1.75);
  EXPECT_DOUBLE_EQ(cost.Dollars(noon + absl::Minutes(60)), 0.25);
  EXPECT_DOUBLE_EQ(cost.Dollars(noon + absl::Minutes(119)), 0);
}

TEST(CostHourTest, AnHourThatDoesNotFitStaysAtTheLargest) {
  constexpr double kDollarsMax = 9'223'372'036.854775807;
  const absl::Time noon = absl::FromUnixSeconds(1'800'000'000);
  CostHour cost;
  cost.Add(noon, kCostNanosMax);
  EXPECT_DOUBLE_EQ(cost.Dollars(noon), kDollarsMax);
  cost.Add(noon, 1);  // In one minute, and in another.
  EXPECT_DOUBLE_EQ(cost.Dollars(noon), kDollarsMax);
  cost.Add(noon + absl::Minutes(1), kCostNanosMax);
  EXPECT_DOUBLE_EQ(cost.Dollars(noon + absl::Minutes(1)), kDollarsMax);
}

TEST(CostHourTest, NoMoreThanAnHourIsKept) {
  const absl::Time noon = absl::FromUnixSeconds(1'800'000'000);
  CostHour cost;
  for (int minute = 0; minute < 500; ++minute) {
    cost.Add(noon + absl::Minutes(minute), 1);
  }
  EXPECT_EQ(cost.minutes().size(), 60u);
  // The same again, as after a restart.
  const CostHour restored(cost.minutes());
  EXPECT_EQ(restored.Dollars(noon + absl::Minutes(499)),
            cost.Dollars(noon + absl::Minutes(499)));
}

}  // namespace
}  // namespace gateway
