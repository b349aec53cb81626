#include "service/observability/metrics_text.h"

#include <string>

#include "gtest/gtest.h"
#include "service/observability/metrics.h"

namespace gateway {
namespace {

TEST(MetricsTextTest, WritesEveryKind) {
  MetricsSnapshot snapshot;
  snapshot.families = {
      {.name = "calls_total",
       .help = "Calls.",
       .kind = MetricKind::kCounter,
       .metrics = {{.labels = {{"provider", "openai"}, {"code", "OK"}},
                    .number = 5}}},
      {.name = "open",
       .help = "Open calls.",
       .kind = MetricKind::kGauge,
       .metrics = {{.number = -2}}},
      {.name = "seconds",
       .help = "How long.",
       .kind = MetricKind::kHistogram,
       .metrics = {
           {.histogram = {
                .count = 6, .sum = 21.5, .buckets = {{0.1, 2}, {1, 4}}}}}}};
  EXPECT_EQ(MetricsText(snapshot),
            "# HELP calls_total Calls.\n"
            "# TYPE calls_total counter\n"
            "calls_total{provider=\"openai\",code=\"OK\"} 5\n"
            "# HELP open Open calls.\n"
            "# TYPE open gauge\n"
            "open -2\n"
            "# HELP seconds How long.\n"
            "# TYPE seconds histogram\n"
            "seconds_count 6\n"
            "seconds_sum 21.5\n"
            "seconds_bucket{le=\"0.1\"} 2\n"
            "seconds_bucket{le=\"1\"} 4\n"
            "seconds_bucket{le=\"+Inf\"} 6\n");
}

TEST(MetricsTextTest, LabelValuesAreEscaped) {
  MetricsSnapshot snapshot;
  snapshot.families = {
      {.name = "calls_total",
       .metrics = {{.labels = {{"model", "a\"b\\c\nd"}}, .number = 1}}}};
  EXPECT_NE(MetricsText(snapshot).find(R"(model="a\"b\\c\nd"} 1)"),
            std::string::npos);
}

TEST(MetricsTextTest, NothingIsAnEmptyText) {
  EXPECT_EQ(MetricsText(MetricsSnapshot()), "");
}

}  // namespace
}  // namespace gateway
