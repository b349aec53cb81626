#include "service/summary/summary_shard.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/summary/summary_printing.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr int64_t kHour = kNow;

// What has been collected, by hour and provider.
using Sums = std::map<std::pair<int64_t, std::string>, CallTotals>;

void CollectInto(SummaryShard& shard, Sums* sums) {
  shard.Collect([sums](const SummaryShard::Sum& sum) {
    if (sum.group == nullptr) return;
    (*sums)[{sum.hour, std::string(sum.group->provider)}].Add(sum.totals);
  });
}

Sums Collected(SummaryShard& shard) {
  Sums sums;
  CollectInto(shard, &sums);
  return sums;
}

TEST(SummaryShardTest, AnHourBeginsWithItsFirstMomentEvenBefore1970) {
  EXPECT_EQ(HourOf(BeginOfHour(kHour)), kHour);
  EXPECT_EQ(HourOf(BeginOfHour(kHour) - absl::Nanoseconds(1)), kHour - 1);
  EXPECT_EQ(HourOf(BeginOfHour(kHour + 1) - absl::Nanoseconds(1)), kHour);
  EXPECT_EQ(HourOf(BeginOfHour(-2)), -2);
  EXPECT_EQ(HourOf(BeginOfHour(-2) + absl::Minutes(59)), -2);
}

TEST(SummaryShardTest, WhatIsCountedIsCollectedOnce) {
  SummaryShard shard({});
  const absl::Time now = BeginOfHour(kHour);
  shard.Count({.provider = "a"}, Costs(1), now);
  shard.Count({.provider = "a"}, Costs(2), now);
  shard.Count({.provider = "b"}, Costs(4), now);
  EXPECT_THAT(Collected(shard), ElementsAre(Pair(Pair(kHour, "a"), Costs(3, 2)),
                                            Pair(Pair(kHour, "b"), Costs(4))));
  EXPECT_THAT(Collected(shard), IsEmpty());
  shard.Count({.provider = "a"}, Costs(8), now);
  EXPECT_THAT(Collected(shard), ElementsAre(Pair(Pair(kHour, "a"), Costs(8))));
}

TEST(SummaryShardTest, ACallCountsInTheHourInWhichItEnds) {
  SummaryShard shard({});
  const absl::Time turn = BeginOfHour(kHour + 1);
  shard.Count({.provider = "a"}, Costs(1), turn - absl::Nanoseconds(1));
  shard.Count({.provider = "a"}, Costs(2), turn);
  // Its end was read before the other's, and is told later.
  shard.Count({.provider = "a"}, Costs(4), turn - absl::Milliseconds(1));
  EXPECT_THAT(Collected(shard),
              ElementsAre(Pair(Pair(kHour, "a"), Costs(5, 2)),
                          Pair(Pair(kHour + 1, "a"), Costs(2))));
  EXPECT_THAT(Collected(shard), IsEmpty());
}

TEST(SummaryShardTest, AClockThatGoesToAndFroMakesFewHours) {
  SummaryShard shard({});
  int64_t cost = 0;
  for (int i = 0; i < 1000; ++i) {
    shard.Count({}, Costs(i), BeginOfHour(kHour + i));
    cost += i;
  }
  Sums sums = Collected(shard);
  EXPECT_LE(sums.size(), 8u);
  CallTotals all;
  for (const auto& [key, totals] : sums) all.Add(totals);
  EXPECT_EQ(all, Costs(cost, 1000));
  // Once collected, there is place again.
  shard.Count({}, Costs(1), BeginOfHour(kHour));
  EXPECT_THAT(Collected(shard), ElementsAre(Pair(Pair(kHour, ""), Costs(1))));
}

TEST(SummaryShardTest, CapabilitiesAreCountedByTheirBits) {
  SummaryShard shard({});
  shard.CountCapabilities(0, BeginOfHour(kHour));
  shard.CountCapabilities(0b101, BeginOfHour(kHour));
  shard.CountCapabilities(uint32_t{1} << 31 | 1, BeginOfHour(kHour));
  std::vector<SummaryShard::Sum> sums;
  shard.Collect([&sums](const SummaryShard::Sum& sum) { sums.push_back(sum); });
  ASSERT_EQ(sums.size(), 1u);
  EXPECT_EQ(sums[0].group, nullptr);
  EXPECT_EQ(sums[0].hour, kHour);
  EXPECT_EQ(sums[0].capabilities[0], 2);
  EXPECT_EQ(sums[0].capabilities[1], 0);
  EXPECT_EQ(sums[0].capabilities[2], 1);
  EXPECT_EQ(sums[0].capabilities[31], 1);
}

TEST(SummaryShardTest, WhatIsRefusedCountsButBringsNoNames) {
  SummaryShard shard({});
  const absl::Time now = BeginOfHour(kHour);
  const auto project = [](std::string_view name) {
    return CallGroup{.project_id = name, .caller = "c"};
  };
  shard.CountRefused(project("early"), Costs(0), now);
  shard.Count(project("known"), Costs(1), now);
  shard.CountRefused(project("known"), Costs(0), now);
  for (int i = 0; i < 1000; ++i) {
    shard.CountRefused(project(std::to_string(i)), Costs(0), now);
  }
  shard.CountRefused(project(""), Costs(0), now);
  std::map<std::string, int64_t> calls;
  shard.Collect([&calls](const SummaryShard::Sum& sum) {
    EXPECT_EQ(sum.group->caller, "c");
    calls[std::string(sum.group->project_id)] += sum.totals.calls();
  });
  EXPECT_THAT(calls, ElementsAre(Pair("", 1), Pair("known", 2),
                                 Pair("other", 1001)));
}

TEST(SummaryShardTest, NothingIsLostWhileAnotherThreadCollects) {
  SummaryShard shard({.projects = 20});
  constexpr int kCalls = 50000;
  std::atomic<bool> counted = false;
  Thread counting("counting", [&shard, &counted] {
    for (int i = 0; i < kCalls; ++i) {
      const std::string project = std::to_string(i % 40);
      shard.Count({.provider = "p", .project_id = project}, Costs(3),
                  BeginOfHour(kHour + i / 5000));
    }
    counted = true;
  });
  Sums sums;
  while (!counted) CollectInto(shard, &sums);
  counting.Join();
  CollectInto(shard, &sums);
  CallTotals all;
  for (const auto& [key, totals] : sums) all.Add(totals);
  EXPECT_EQ(all, Costs(3 * kCalls, kCalls));
}

}  // namespace
}  // namespace gateway
