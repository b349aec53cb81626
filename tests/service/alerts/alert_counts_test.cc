#include "service/alerts/alert_counts.h"

#include "absl/time/time.h"
#include "base/os/thread.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(AlertCountsTest, ShardsAreSummed) {
  AlertCounts counts;
  EXPECT_EQ(counts.Read(), AlertTotals());
  AlertShard& one = counts.AddShard();
  AlertShard& other = counts.AddShard();
  one.Count({.took = absl::Milliseconds(2), .cost_usd_nanos = 30});
  other.Count({.took = absl::Milliseconds(3), .cost_usd_nanos = 4});
  // One that failed has cost something all the same.
  other.Count({.failed = true, .cost_usd_nanos = 500});
  // One that says nothing of who serves it may have, too.
  one.Count({.cost_usd_nanos = 6000});
  EXPECT_EQ(counts.Read(), (AlertTotals{.calls = 3,
                                        .failures = 1,
                                        .took_us = 5000,
                                        .cost_usd_nanos = 6534}));
  EXPECT_EQ(counts.Read().answered(), 2);
}

TEST(AlertCountsTest, ACostThatDoesNotFitStaysAtTheLargest) {
  AlertCounts counts;
  AlertShard& one = counts.AddShard();
  AlertShard& other = counts.AddShard();
  one.Count({.cost_usd_nanos = kCostNanosMax - 1});
  one.Count({.cost_usd_nanos = 1});
  EXPECT_EQ(counts.Read().cost_usd_nanos, kCostNanosMax);
  one.Count({.cost_usd_nanos = 1});
  EXPECT_EQ(counts.Read().cost_usd_nanos, kCostNanosMax);
  other.Count({.cost_usd_nanos = 1});
  EXPECT_EQ(counts.Read().cost_usd_nanos, kCostNanosMax);
}

TEST(AlertCountsTest, TheyAreReadWhileTheyAreWritten) {
  constexpr int kCalls = 20'000;
  AlertCounts counts;
  AlertShard& shard = counts.AddShard();
  Thread loop("loop", [&shard] {
    for (int i = 0; i < kCalls; ++i) shard.Count({.failed = true});
  });
  int64_t seen = 0;
  while (seen < kCalls) {
    const AlertTotals totals = counts.Read();
    EXPECT_GE(totals.calls, seen);
    seen = totals.calls;
  }
  loop.Join();
  EXPECT_EQ(counts.Read().failures, kCalls);
}

}  // namespace
}  // namespace gateway
