#include "service/observability/open_metrics_text.h"

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

constexpr std::string_view kModelLabels[] = {"model"};
constexpr MetricDefinition kTotal = {.name = "things_total",
                                     .help = "Things \"told\".",
                                     .kind = MetricKind::kCounter,
                                     .label_names = kModelLabels};
constexpr MetricDefinition kUntyped = {
    .name = "failures", .help = "Failures.", .kind = MetricKind::kCounter};
constexpr MetricDefinition kLevel = {
    .name = "level", .help = "Level.", .kind = MetricKind::kGauge};
constexpr double kTimeBounds[] = {0.5, 1};
constexpr MetricDefinition kTimes = {.name = "times_seconds",
                                     .help = "Times.",
                                     .kind = MetricKind::kHistogram,
                                     .label_names = kModelLabels,
                                     .bounds = kTimeBounds};

TEST(OpenMetricsTextTest, FamiliesAreWrittenAsTheFormatHasThem) {
  FakeClock clock;
  MetricRegistry registry(clock);
  MetricShard& shard = registry.AddShard();
  shard.CounterOf(kTotal, {"a\"b\\c\nd"}).Add(3);
  shard.CounterOf(kUntyped, {}).Add(1);
  shard.GaugeOf(kLevel, {}).Set(-2);
  EXPECT_EQ(OpenMetricsText(registry.Read()),
            "# TYPE failures unknown\n"
            "# HELP failures Failures.\n"
            "failures 1.0\n"
            "# TYPE level gauge\n"
            "# HELP level Level.\n"
            "level -2.0\n"
            "# TYPE things counter\n"
            "# HELP things Things \\\"told\\\".\n"
            "things_total{model=\"a\\\"b\\\\c\\nd\"} 3.0\n"
            "# EOF\n");
}

TEST(OpenMetricsTextTest, BucketsTellTheirLatestCallOfAllLoops) {
  FakeClock clock;
  MetricRegistry registry(clock);
  MetricHistogram& here = registry.AddShard().HistogramOf(kTimes, {"m"});
  MetricHistogram& there = registry.AddShard().HistogramOf(kTimes, {"m"});
  here.ObserveCall(0.25, "early", absl::FromUnixSeconds(100));
  there.ObserveCall(0.375, "late", absl::FromUnixSeconds(101));
  there.Observe(0.75);
  here.ObserveCall(8, "slow", absl::FromUnixMillis(102500));
  EXPECT_EQ(OpenMetricsText(registry.Read()),
            "# TYPE times_seconds histogram\n"
            "# HELP times_seconds Times.\n"
            "times_seconds_bucket{model=\"m\",le=\"0.5\"} 2 "
            "# {request_id=\"late\"} 0.375 101.0\n"
            "times_seconds_bucket{model=\"m\",le=\"1.0\"} 3\n"
            "times_seconds_bucket{model=\"m\",le=\"+Inf\"} 4 "
            "# {request_id=\"slow\"} 8.0 102.5\n"
            "times_seconds_count{model=\"m\"} 4\n"
            "times_seconds_sum{model=\"m\"} 9.375\n"
            "# EOF\n");
}

TEST(OpenMetricsTextTest, TheFormatIsWrittenForThoseWhoNameIt) {
  EXPECT_TRUE(AcceptsOpenMetrics("application/openmetrics-text"));
  EXPECT_TRUE(AcceptsOpenMetrics(
      "text/plain;q=0.3, Application/OpenMetrics-Text; version=1.0.0;q=0.5"));
  EXPECT_FALSE(AcceptsOpenMetrics(""));
  EXPECT_FALSE(AcceptsOpenMetrics("*/*"));
  EXPECT_FALSE(AcceptsOpenMetrics("text/plain;version=0.0.4"));
  EXPECT_FALSE(AcceptsOpenMetrics("application/openmetrics-text; q=0"));
}

}  // namespace
}  // namespace gateway
