#include "service/observability/metric_history.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

constexpr std::string_view kHistoryLabels[] = {"model"};
constexpr double kHistoryBounds[] = {1, 10};
constexpr MetricDefinition kAsked = {
    .name = "asked_total", .help = "Asked.", .label_names = kHistoryLabels};
constexpr MetricDefinition kSpent = {
    .name = "spent_total", .help = "Dollars.", .per_unit = 4};
constexpr MetricDefinition kMoney = {
    .name = "spent_usd_total", .help = "Dollars.", .per_unit = 1'000'000'000};
constexpr MetricDefinition kInUse = {
    .name = "in_use", .help = "In use.", .kind = MetricKind::kGauge};
constexpr MetricDefinition kTook = {.name = "took_seconds",
                                    .help = "Took.",
                                    .kind = MetricKind::kHistogram,
                                    .bounds = kHistoryBounds};
constexpr MetricDefinition kElsewhere = {.name = "elsewhere_total",
                                         .help = "Counted elsewhere."};

class MetricHistoryTest : public testing::Test {
 protected:
  // Takes readings until this much time has passed.
  void Pass(absl::Duration time) {
    for (; time > absl::ZeroDuration(); time -= absl::Seconds(10)) {
      clock_.Advance(absl::Seconds(10));
      history_.TakeReading();
    }
  }

  // What was added to a metric of one number; -1 if there is none.
  double Added(absl::Duration window, std::string_view name,
               std::string_view model = "") {
    for (const MetricFamilyValue& family :
         history_.Read(window).metrics.families) {
      if (family.name != name) continue;
      for (const MetricValue& metric : family.metrics) {
        if (model.empty() || metric.labels.at(0).second == model) {
          return metric.number;
        }
      }
    }
    return -1;
  }

  Counter& Asked(std::string_view model) {
    return shard_.CounterOf(kAsked, {model});
  }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  MetricShard& shard_ = registry_.AddShard();
  MetricHistory history_{registry_, clock_, {}};
};

TEST_F(MetricHistoryTest, BeforeTheFirstReadingAllIsTold) {
  Asked("m").Add(3);
  const MetricHistory::Addition added = history_.Read(absl::Minutes(1));
  EXPECT_EQ(added.since, clock_.WallTime());
  EXPECT_EQ(added.metrics.families.at(0).metrics.at(0).number, 3);
}

TEST_F(MetricHistoryTest, CountsFromTheLastReadingThatIsOldEnough) {
  Asked("m").Add(100);
  history_.TakeReading();
  Pass(absl::Minutes(1));
  Asked("m").Add(7);  // Seen by the reading in ten seconds.
  Pass(absl::Minutes(1));
  clock_.Advance(absl::Seconds(9));
  Asked("m").Add(1);
  // 69 seconds ago the 7 were not there yet, 60 seconds ago they were.
  EXPECT_EQ(Added(absl::Seconds(59), "asked_total"), 1);
  EXPECT_EQ(Added(absl::Seconds(60), "asked_total"), 8);
  const MetricHistory::Addition added = history_.Read(absl::Seconds(60));
  EXPECT_EQ(added.metrics.read_time - added.since, absl::Seconds(69));
  EXPECT_EQ(history_.Read(absl::Seconds(69)).since, added.since);
}

TEST_F(MetricHistoryTest, AYoungProcessTellsAllSinceItsFirstReading) {
  Asked("m").Add(5);
  history_.TakeReading();
  const absl::Time first = clock_.WallTime();
  Asked("m").Add(2);
  Pass(absl::Seconds(30));
  EXPECT_EQ(history_.Read(absl::Hours(1)).since, first);
  EXPECT_EQ(Added(absl::Hours(1), "asked_total"), 2);
}

TEST_F(MetricHistoryTest, WhatBeganWithinTheWindowCountsFromNothing) {
  Asked("old").Add(5);
  history_.TakeReading();
  Pass(absl::Minutes(2));
  Asked("new").Add(4);
  EXPECT_EQ(Added(absl::Minutes(1), "asked_total", "new"), 4);
  Pass(absl::Seconds(30));
  EXPECT_EQ(Added(absl::Minutes(1), "asked_total", "new"), 4);
  EXPECT_EQ(Added(absl::Minutes(1), "asked_total", "old"), 0);
  Pass(absl::Minutes(1));
  EXPECT_EQ(Added(absl::Minutes(1), "asked_total", "new"), 0);
}

TEST_F(MetricHistoryTest, GaugesAreAsTheyAre) {
  shard_.GaugeOf(kInUse, {}).Set(9);
  history_.TakeReading();
  Pass(absl::Minutes(1));
  EXPECT_EQ(Added(absl::Minutes(1), "in_use"), 9);
}

TEST_F(MetricHistoryTest, UnitsAndFractionsAreKept) {
  Counter& spent = shard_.CounterOf(kSpent, {});
  spent.Add(1);
  history_.TakeReading();
  spent.Add(2);
  Pass(absl::Seconds(20));
  spent.Add(4);
  Pass(absl::Seconds(20));
  spent.Add(8);
  EXPECT_EQ(Added(absl::Minutes(1), "spent_total"), 3.5);
}

// As doubles, 0.000007 less 0.000003 is a little more than 0.000004.
TEST_F(MetricHistoryTest, MoneyIsExactInAnyWindow) {
  Counter& spent = shard_.CounterOf(kMoney, {});
  spent.Add(3'000);
  history_.TakeReading();
  spent.Add(4'000);
  EXPECT_EQ(Added(absl::Minutes(1), "spent_usd_total"), 0.000004);
  for (int i = 0; i < 10; ++i) {
    Pass(absl::Seconds(10));
    spent.Add(100);
  }
  EXPECT_EQ(Added(absl::Hours(1), "spent_usd_total"), 0.000005);
}

TEST_F(MetricHistoryTest, BucketsSayWhatWasObservedInTheWindow) {
  MetricHistogram& took = shard_.HistogramOf(kTook, {});
  for (const double seconds : {0.5, 5.0, 50.0}) took.Observe(seconds);
  history_.TakeReading();
  took.Observe(0.25);
  took.Observe(20);
  Pass(absl::Minutes(1));
  took.Observe(8);
  const MetricHistory::Addition added = history_.Read(absl::Minutes(1));
  const HistogramValue& told =
      added.metrics.families.at(0).metrics.at(0).histogram;
  EXPECT_EQ(told.count, 3);
  EXPECT_EQ(told.sum, 28.25);
  ASSERT_EQ(told.buckets.size(), 2u);
  EXPECT_EQ(told.buckets[0].count, 1);
  EXPECT_EQ(told.buckets[1].count, 2);
  EXPECT_EQ(told.buckets[1].upper_bound, 10);
}

TEST_F(MetricHistoryTest, WhatIsLessThanBeforeHasBegunAnew) {
  double elsewhere = 10;
  registry_.AddSource(kElsewhere, {}, [&elsewhere] { return elsewhere; });
  history_.TakeReading();
  elsewhere = 12;
  Pass(absl::Seconds(10));
  elsewhere = 3;
  Pass(absl::Seconds(10));
  elsewhere = 1;
  EXPECT_EQ(Added(absl::Minutes(1), "elsewhere_total"), 2 + 3 + 1);
}

TEST_F(MetricHistoryTest, AnHourIsKeptAndNoMore) {
  history_.TakeReading();
  Pass(absl::Hours(2));
  EXPECT_EQ(clock_.WallTime() - history_.Read(absl::Hours(1)).since,
            absl::Hours(1));
  EXPECT_EQ(clock_.WallTime() - history_.Read(absl::Hours(2)).since,
            absl::Hours(1));
  const int64_t bytes = history_.bytes();
  Pass(absl::Hours(1));
  EXPECT_EQ(history_.bytes(), bytes);
}

TEST_F(MetricHistoryTest, SumsOfAnHourAreWholeThoughItsBeginIsForgotten) {
  for (int minute = 0; minute < 150; ++minute) {
    Asked(absl::StrCat("m", minute % 3)).Add(1);
    Pass(absl::Minutes(1));
  }
  EXPECT_EQ(Added(absl::Hours(1), "asked_total", "m0"), 20);
  EXPECT_EQ(Added(absl::Minutes(30), "asked_total", "m1"), 10);
}

TEST_F(MetricHistoryTest, WhatRestsCostsNothing) {
  for (int i = 0; i < 100; ++i) Asked(absl::StrCat("m", i)).Add(1);
  history_.TakeReading();
  Pass(absl::Minutes(1));
  const int64_t resting = history_.bytes();
  for (int i = 0; i < 100; ++i) Asked(absl::StrCat("m", i)).Add(1);
  Pass(absl::Minutes(1));
  // Six readings' frames, and once four bytes for each counter that grew.
  EXPECT_LE(history_.bytes() - resting, 100 * 4 + 6 * 64);
  EXPECT_GE(history_.bytes() - resting, 100 * 4);
}

TEST_F(MetricHistoryTest, MoreThanTheLimitShortensTheHour) {
  MetricHistory small(registry_, clock_, {.bytes_limit = 1000});
  small.TakeReading();
  for (int reading = 0; reading < 100; ++reading) {
    for (int i = 0; i < 50; ++i) Asked(absl::StrCat("m", i)).Add(1);
    clock_.Advance(absl::Seconds(10));
    small.TakeReading();
  }
  // A reading is of 200 bytes; the first that is kept is only told of.
  const MetricHistory::Addition added = small.Read(absl::Hours(1));
  EXPECT_EQ(clock_.WallTime() - added.since, absl::Seconds(50));
  EXPECT_EQ(added.metrics.families.at(0).metrics.at(7).number, 5);
}

TEST_F(MetricHistoryTest, WhatIsGoneForAnHourIsForgotten) {
  std::string model = "a";
  registry_.AddCollector([&model](MetricRegistry::Values& values) {
    values.Add(kAsked, {model}, 5);
  });
  history_.TakeReading();
  Pass(absl::Hours(1));
  model = "b";  // As after another configuration.
  Pass(absl::Minutes(1));
  EXPECT_EQ(Added(absl::Minutes(5), "asked_total"), 5);
  const int64_t both = history_.bytes();
  Pass(absl::Hours(2));
  const int64_t one = history_.bytes();
  EXPECT_LT(one, both);
  EXPECT_EQ(Added(absl::Minutes(5), "asked_total"), 0);
  model = "c";
  Pass(absl::Seconds(10));
  EXPECT_EQ(Added(absl::Minutes(5), "asked_total"), 5);
  Pass(absl::Hours(2));
  EXPECT_EQ(history_.bytes(), one);
}

TEST_F(MetricHistoryTest, WhatIsCountedFromTheBeginOnWasAdded) {
  Asked("m").Add(3);
  history_.Begin();
  Asked("m").Add(1);
  EXPECT_EQ(Added(absl::Minutes(1), "asked_total", "m"), 1);
  history_.Stop();
}

TEST_F(MetricHistoryTest, AThreadTakesTheReadings) {
  MetricHistory history(registry_, clock_, {.interval = absl::Milliseconds(1)});
  AddMetricHistoryMetrics(history, registry_);
  Event read;
  std::atomic<int> readings = 0;
  registry_.AddSource(kElsewhere, {}, [&] {
    if (++readings > 1) read.Set();
    return 0;
  });
  history.Begin();
  ASSERT_TRUE(read.Wait());
  history.Stop();
  EXPECT_GT(history.bytes(), 0);
  double told = 0;
  for (const MetricFamilyValue& family : registry_.Read().families) {
    if (family.name == "llmgw_metric_history_bytes") {
      told = family.metrics.at(0).number;
    }
  }
  EXPECT_EQ(told, static_cast<double>(history.bytes()));
}

}  // namespace
}  // namespace gateway
