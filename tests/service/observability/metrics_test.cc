#include "service/observability/metrics.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/os/thread.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr std::string_view kLabelNames[] = {"provider", "code"};
constexpr double kBounds[] = {0.1, 1, 10};

constexpr MetricDefinition kCalls = {.name = "calls_total",
                                     .help = "Calls.",
                                     .kind = MetricKind::kCounter,
                                     .label_names = kLabelNames,
                                     .label_sets_limit = 3};
constexpr MetricDefinition kOpen = {
    .name = "open", .help = "Open calls.", .kind = MetricKind::kGauge};
constexpr MetricDefinition kSeconds = {.name = "seconds",
                                       .help = "How long.",
                                       .kind = MetricKind::kHistogram,
                                       .bounds = kBounds};

class MetricRegistryTest : public testing::Test {
 protected:
  // The one metric of the one family.
  MetricValue Only() {
    const MetricsSnapshot snapshot = registry_.Read();
    EXPECT_EQ(snapshot.families.size(), 1u);
    EXPECT_EQ(snapshot.families.at(0).metrics.size(), 1u);
    return snapshot.families.at(0).metrics.at(0);
  }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
};

TEST_F(MetricRegistryTest, NothingTouchedIsNothingRead) {
  registry_.AddShard();
  EXPECT_THAT(registry_.Read().families, IsEmpty());
}

TEST_F(MetricRegistryTest, AReadingKnowsItsTime) {
  EXPECT_EQ(registry_.Read().read_time, clock_.WallTime());
}

TEST_F(MetricRegistryTest, CountersAreSummedOverShards) {
  MetricShard& first = registry_.AddShard();
  MetricShard& second = registry_.AddShard();
  first.CounterOf(kCalls, {"openai", "OK"}).Add(2);
  second.CounterOf(kCalls, {"openai", "OK"}).Add(3);
  const MetricValue value = Only();
  EXPECT_EQ(value.number, 5);
  EXPECT_THAT(value.labels,
              ElementsAre(Pair("provider", "openai"), Pair("code", "OK")));
}

TEST_F(MetricRegistryTest, TheSameLabelsAreTheSameCounter) {
  MetricShard& shard = registry_.AddShard();
  Counter& counter = shard.CounterOf(kCalls, {"openai", "OK"});
  EXPECT_EQ(&shard.CounterOf(kCalls, {"openai", "OK"}), &counter);
  EXPECT_NE(&shard.CounterOf(kCalls, {"openai", "INTERNAL"}), &counter);
}

TEST_F(MetricRegistryTest, GaugesGoDownToo) {
  Gauge& first = registry_.AddShard().GaugeOf(kOpen, {});
  Gauge& second = registry_.AddShard().GaugeOf(kOpen, {});
  first.Add(3);
  second.Set(10);
  first.Add(-1);
  EXPECT_EQ(Only().number, 12);
}

TEST_F(MetricRegistryTest, AHistogramCountsUpToAndWithItsBounds) {
  MetricHistogram& first = registry_.AddShard().HistogramOf(kSeconds, {});
  MetricHistogram& second = registry_.AddShard().HistogramOf(kSeconds, {});
  for (const double seconds : {0.0, 0.1, 0.11, 1.0}) first.Observe(seconds);
  for (const double seconds : {10.0, 10.5}) second.Observe(seconds);
  const HistogramValue histogram = Only().histogram;
  EXPECT_EQ(histogram.count, 6);
  EXPECT_DOUBLE_EQ(histogram.sum, 21.71);
  ASSERT_EQ(histogram.buckets.size(), 3u);
  EXPECT_EQ(histogram.buckets[0].upper_bound, 0.1);
  EXPECT_EQ(histogram.buckets[0].count, 2);
  EXPECT_EQ(histogram.buckets[1].count, 4);
  EXPECT_EQ(histogram.buckets[2].count, 5);
}

TEST_F(MetricRegistryTest, FamiliesAndMetricsAreSorted) {
  MetricShard& shard = registry_.AddShard();
  shard.HistogramOf(kSeconds, {});
  shard.CounterOf(kCalls, {"openai", "OK"});
  shard.CounterOf(kCalls, {"anthropic", "OK"});
  const MetricsSnapshot snapshot = registry_.Read();
  ASSERT_EQ(snapshot.families.size(), 2u);
  EXPECT_EQ(snapshot.families[0].name, "calls_total");
  EXPECT_EQ(snapshot.families[0].help, "Calls.");
  EXPECT_EQ(snapshot.families[0].kind, MetricKind::kCounter);
  EXPECT_EQ(snapshot.families[0].metrics.at(0).labels[0].second, "anthropic");
  EXPECT_EQ(snapshot.families[0].metrics.at(1).labels[0].second, "openai");
  EXPECT_EQ(snapshot.families[1].name, "seconds");
}

TEST_F(MetricRegistryTest, AFullFamilyCountsTheRestAsOther) {
  MetricShard& first = registry_.AddShard();
  MetricShard& second = registry_.AddShard();
  for (int i = 0; i < 10; ++i) {
    const std::string provider = "p" + std::to_string(i);
    first.CounterOf(kCalls, {provider, "OK"}).Add(1);
    second.CounterOf(kCalls, {provider, "OK"}).Add(1);
  }
  std::vector<std::pair<std::string, double>> counted;
  const MetricsSnapshot snapshot = registry_.Read();
  for (const MetricValue& value : snapshot.families.at(0).metrics) {
    counted.emplace_back(value.labels[0].second + value.labels[1].second,
                         value.number);
  }
  EXPECT_THAT(counted, ElementsAre(Pair("otherother", 14), Pair("p0OK", 2),
                                   Pair("p1OK", 2), Pair("p2OK", 2)));
}

TEST_F(MetricRegistryTest, SourcesAreReadWhenMetricsAreRead) {
  int open = 7;
  registry_.AddSource(kOpen, {}, [&] { return open; });
  EXPECT_EQ(Only().number, 7);
  open = 8;
  EXPECT_EQ(Only().number, 8);
  registry_.AddSource(kOpen, {}, [] { return 0.5; });
  EXPECT_EQ(Only().number, 8.5);
}

TEST_F(MetricRegistryTest, CollectorsSayWhenTheyAreReadWhatThereIs) {
  std::vector<std::string> codes;
  registry_.AddCollector([&](MetricRegistry::Values& values) {
    for (const std::string& code : codes) {
      values.Add(kCalls, {"openai", code}, 2);
    }
  });
  EXPECT_TRUE(registry_.Read().families.empty());
  codes = {"OK"};
  registry_.AddShard().CounterOf(kCalls, {"openai", "OK"}).Add(1);
  EXPECT_EQ(Only().number, 3);
  codes.clear();
  EXPECT_EQ(Only().number, 1);
}

TEST_F(MetricRegistryTest, ReadingWhileOthersCountNeverGoesBack) {
  constexpr int kThreads = 3;
  constexpr int64_t kAdds = 100000;
  std::atomic<int> running = kThreads;
  std::vector<Thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    MetricShard& shard = registry_.AddShard();
    threads.emplace_back("counter", [&shard, &running] {
      Counter& counter = shard.CounterOf(kCalls, {"openai", "OK"});
      MetricHistogram& histogram = shard.HistogramOf(kSeconds, {});
      for (int64_t n = 0; n < kAdds; ++n) {
        counter.Add(1);
        histogram.Observe(0.5);
      }
      running.fetch_sub(1);
    });
  }
  double last = 0;
  while (running.load() > 0) {
    const MetricsSnapshot snapshot = registry_.Read();
    for (const MetricFamilyValue& family : snapshot.families) {
      if (family.name != "calls_total") continue;
      ASSERT_GE(family.metrics.at(0).number, last);
      last = family.metrics.at(0).number;
    }
  }
  for (Thread& thread : threads) thread.Join();
  const MetricsSnapshot snapshot = registry_.Read();
  EXPECT_EQ(snapshot.families.at(0).metrics.at(0).number, kThreads * kAdds);
  EXPECT_EQ(snapshot.families.at(1).metrics.at(0).histogram.count,
            kThreads * kAdds);
}

}  // namespace
}  // namespace gateway
