#include "service/pipeline/trace_metrics.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "service/observability/metrics_text.h"
#include "tests/service/tracing/traced_calls.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TraceMetricsTest, TellWhatIsKeptWaitsAndIsLost) {
  FakeClock clock;
  FakeRandom random{1};
  MetricRegistry registry(clock);
  Tracer tracer({.store = {.traces = 10, .bytes = size_t{1} << 20},
                 .exports = true,
                 .queue = {.spans_max = 2, .batch_spans = 2}},
                clock, random);
  const auto exporter = SpanExporter::Make({.protocol = ExportProtocol::kLog},
                                           tracer.queue(), random);
  ASSERT_TRUE(exporter.ok());
  AddTraceMetrics(tracer, exporter->get(), registry);
  for (int i = 0; i < 3; ++i) {
    TestCall call;
    Record(tracer.shard(0), call, clock.SteadyTime());
  }
  const std::string text = MetricsText(registry.Read());
  EXPECT_THAT(text, HasSubstr("llmgw_traces_kept 3\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_spans_waiting 2\n"));
  EXPECT_THAT(
      text, HasSubstr("llmgw_spans_dropped_total{reason=\"queue_full\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("llmgw_spans_dropped_total{reason=\"refused\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_spans_exported_total 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("llmgw_traces_kept_bytes 0\n")));
}

TEST(TraceMetricsTest, WithoutAnExporterNothingIsExported) {
  FakeClock clock;
  FakeRandom random{1};
  MetricRegistry registry(clock);
  Tracer tracer({}, clock, random);
  AddTraceMetrics(tracer, nullptr, registry);
  const std::string text = MetricsText(registry.Read());
  EXPECT_THAT(text, HasSubstr("llmgw_traces_kept 0\n"));
  EXPECT_THAT(text, Not(HasSubstr("llmgw_spans_")));
}

}  // namespace
}  // namespace gateway
