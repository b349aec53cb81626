#include "service/observability/metrics_text.h"

#include <cstdint>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "service/observability/open_metrics_text.h"
#include "tests/testing/fake_clock.h"

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

// Money is counted in nano-dollars, of which each can be read in the text.
TEST(MetricsTextTest, MoneyIsWrittenToTheNanoDollar) {
  static constexpr MetricDefinition kSpent = {
      .name = "spent_usd_total",
      .help = "Dollars.",
      .per_unit = 1'000'000'000};
  for (const auto& [nanos, text] :
       {std::pair<int64_t, std::string>{7'000, "7e-06"},
        {1, "1e-09"},
        {3'000, "3e-06"},
        {1'100'000'000, "1.1"},
        {123'456'789'012'345, "123456.789012345"},
        {9'007'199'254'740'991, "9007199.254740991"}}) {
    FakeClock clock;
    MetricRegistry registry(clock);
    registry.AddShard().CounterOf(kSpent, {}).Add(nanos);
    EXPECT_EQ(MetricsText(registry.Read()),
              "# HELP spent_usd_total Dollars.\n"
              "# TYPE spent_usd_total counter\n"
              "spent_usd_total " +
                  text + "\n");
    EXPECT_EQ(OpenMetricsText(registry.Read()),
              "# TYPE spent_usd counter\n"
              "# HELP spent_usd Dollars.\n"
              "spent_usd_total " +
                  text + "\n# EOF\n");
  }
}

TEST(MetricsTextTest, NothingIsAnEmptyText) {
  EXPECT_EQ(MetricsText(MetricsSnapshot()), "");
}

}  // namespace
}  // namespace gateway
