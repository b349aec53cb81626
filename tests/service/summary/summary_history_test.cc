#include "service/summary/summary_history.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/summary/summary_printing.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

using HourCosts = std::vector<std::pair<int64_t, int64_t>>;

// The hours and the cost of each of their groups.
HourCosts CostsOf(const SummaryHistory& history, int64_t begin = kEarlierHours,
                  int64_t end = kEnd) {
  HourCosts costs;
  history.ForEachGroup(begin, end,
                       [&costs](int64_t hour, const CallGroup& /*group*/,
                                const CallTotals& totals) {
                         costs.emplace_back(hour,
                                            totals[Figure::kCostUsdNanos]);
                       });
  return costs;
}

class SummaryHistoryTest : public testing::Test {
 protected:
  const absl::Time since_ = BeginOfHour(kNow);
  SummaryHistory history_{{.hours = 3}, since_};
};

TEST_F(SummaryHistoryTest, AddsUpWhatIsOfTheSameHourAndGroup) {
  history_.Add(kNow, {.provider = "p"}, Costs(1));
  history_.Add(kNow, {.provider = "p"}, Costs(2));
  history_.Add(kNow + 1, {.provider = "p"}, Costs(4));
  EXPECT_THAT(CostsOf(history_), ElementsAre(Pair(kNow, 3), Pair(kNow + 1, 4)));
  EXPECT_THAT(CostsOf(history_, kNow + 1), ElementsAre(Pair(kNow + 1, 4)));
  EXPECT_THAT(CostsOf(history_, kNow, kNow + 1), ElementsAre(Pair(kNow, 3)));
}

TEST_F(SummaryHistoryTest, WhatIsOlderThanIsKeptBecomesOneSum) {
  for (int64_t hour = kNow - 5; hour <= kNow; ++hour) {
    history_.Add(hour, {.provider = "p"}, Costs(1));
    SummaryHistory::Capabilities one = {1};
    history_.AddCapabilities(hour, one);
  }
  history_.Expire(kNow);
  EXPECT_THAT(CostsOf(history_),
              ElementsAre(Pair(kEarlierHours, 2), Pair(kNow - 3, 1),
                          Pair(kNow - 2, 1), Pair(kNow - 1, 1), Pair(kNow, 1)));
  EXPECT_EQ(history_.CapabilitiesOf(kEarlierHours, kEnd)[0], 6);
  EXPECT_EQ(history_.CapabilitiesOf(kNow - 3, kEnd)[0], 4);
  history_.Expire(kNow + 1);
  EXPECT_THAT(CostsOf(history_, kEarlierHours, kNow - 2),
              ElementsAre(Pair(kEarlierHours, 3)));
}

TEST_F(SummaryHistoryTest, EachChangeIsTakenOnceAndAsItIsThen) {
  history_.Add(kNow, {.provider = "a", .caller = "c", .caller_has_key = true},
               Costs(1));
  history_.Add(kNow, {.provider = "b"}, Costs(2));
  EXPECT_EQ(history_.TakeChanges().rows.size(), 2u);
  EXPECT_TRUE(history_.TakeChanges().empty());
  history_.Add(kNow, {.provider = "a", .caller = "c", .caller_has_key = true},
               Costs(4));
  const SummaryChanges changes = history_.TakeChanges();
  ASSERT_EQ(changes.rows.size(), 1u);
  EXPECT_EQ(
      changes.rows[0].group(),
      (CallGroup{.provider = "a", .caller = "c", .caller_has_key = true}));
  EXPECT_EQ(changes.rows[0].totals, Costs(5, 2));
  EXPECT_EQ(changes.rows[0].hour, kNow);
  EXPECT_EQ(changes.since, since_);
}

TEST_F(SummaryHistoryTest, AnHourThatIsOverGoesAndItsSumIsWritten) {
  history_.Add(kNow - 9, {.provider = "a"}, Costs(1));
  history_.Expire(kNow);
  const SummaryChanges changes = history_.TakeChanges();
  EXPECT_THAT(changes.expired, ElementsAre(kNow - 9));
  ASSERT_EQ(changes.rows.size(), 1u);
  EXPECT_EQ(changes.rows[0].hour, kEarlierHours);
  EXPECT_EQ(changes.rows[0].totals, Costs(1));
}

TEST_F(SummaryHistoryTest, ToReplaceAllIsToWriteWhatDidNotChangeToo) {
  history_.Add(kNow, {.provider = "a"}, Costs(1));
  history_.Add(kNow - 1, {.provider = "a"}, Costs(1));
  history_.AddCapabilities(kNow, {0, 7});
  history_.TakeChanges();
  history_.ReplaceAll();
  const SummaryChanges changes = history_.TakeChanges();
  EXPECT_TRUE(changes.replaces_all);
  EXPECT_EQ(changes.rows.size(), 2u);
  ASSERT_EQ(changes.capabilities.size(), 1u);
  EXPECT_EQ(changes.capabilities[0].capability, 1);
  EXPECT_EQ(changes.capabilities[0].calls, 7);
  EXPECT_TRUE(history_.TakeChanges().empty());
}

TEST_F(SummaryHistoryTest, WhatWasReadIsNoChange) {
  history_.Restore(
      SummaryRow{.hour = kNow, .provider = "a", .totals = Costs(1)});
  history_.Restore(CapabilityCount{.hour = kNow, .capability = 3, .calls = 5});
  // Of a program that knew more of them.
  history_.Restore(CapabilityCount{.hour = kNow, .capability = 99, .calls = 5});
  EXPECT_TRUE(history_.TakeChanges().empty());
  EXPECT_THAT(CostsOf(history_), ElementsAre(Pair(kNow, 1)));
  EXPECT_EQ(history_.CapabilitiesOf(kNow, kNow + 1)[3], 5);
}

TEST(SummaryHistoryLimitsTest, WhatHasNoPlaceAnyMoreIsWrittenAsItIsNow) {
  SummaryHistory history({.hours = 3, .limits = {.projects = 1}},
                         BeginOfHour(kNow));
  for (const char* const project : {"a", "b", "c"}) {
    history.Restore(
        SummaryRow{.hour = kNow, .project_id = project, .totals = Costs(1)});
  }
  const SummaryChanges changes = history.TakeChanges();
  EXPECT_TRUE(changes.replaces_all);
  std::vector<std::pair<std::string, int64_t>> costs;
  for (const SummaryRow& row : changes.rows) {
    costs.emplace_back(row.project_id, row.totals[Figure::kCostUsdNanos]);
  }
  EXPECT_THAT(costs, ElementsAre(Pair("a", 1), Pair("other", 2)));
}

TEST_F(SummaryHistoryTest, AnotherIsAddedWithItsBegin) {
  SummaryHistory other({.hours = 3}, since_ - absl::Hours(1));
  other.Add(kNow, {.provider = "p"}, Costs(5));
  other.AddCapabilities(kNow, {2});
  history_.Add(kNow, {.provider = "p"}, Costs(1));
  history_.Add(other);
  EXPECT_THAT(CostsOf(history_), ElementsAre(Pair(kNow, 6)));
  EXPECT_EQ(history_.CapabilitiesOf(kNow, kEnd)[0], 2);
  EXPECT_EQ(history_.since(), since_ - absl::Hours(1));
}

}  // namespace
}  // namespace gateway
