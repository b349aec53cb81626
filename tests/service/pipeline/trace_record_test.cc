#include "service/pipeline/trace_record.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/async/cancellation.h"
#include "base/os/clock.h"
#include "errors/fault.h"
#include "google/protobuf/arena.h"
#include "gtest/gtest.h"
#include "service/observability/call_metrics.h"
#include "service/observability/metrics.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/call.h"
#include "service/pipeline/recorded_model.h"
#include "service/pipeline/recorder.h"
#include "service/tracing/span_reader.h"
#include "service/tracing/tracer.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/no_http_client.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

constexpr std::string_view kCallersTrace =
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

class TraceRecordTest : public testing::Test {
 protected:
  TraceRecordTest() {
    call_.facts.request_id = "r-1";
    call_.facts.operation = "GenerateSomething";
    call_.facts.model = "m";
    NameModel(call_);
  }

  LoopRunner runner_;
  NoHttpClient client_;
  CancelSignal cancel_;
  google::protobuf::Arena arena_;
  Call call_{MakeTestRuntime("providers: [{name: mock, mock: {}}]\n"),
             runner_.loop(),
             client_,
             cancel_,
             arena_,
             runner_.loop().Now()};

  FakeClock clock_;
  FakeRandom random_{3};
  MetricRegistry registry_{clock_};
  CallMetrics metrics_{registry_, {}};
  RequestFeed feed_{{}};
  // By the clock that the call ends by.
  Tracer tracer_{{.store = {.traces = 10, .bytes = size_t{1} << 20}},
                 SystemClock(),
                 random_};
  Recorder traced_{nullptr,      metrics_.AddShard(), feed_, nullptr, 0,
                   std::nullopt, &tracer_.shard(0)};
  Recorder untraced_{nullptr, metrics_.AddShard(), feed_};
};

TEST_F(TraceRecordTest, ACallIsRecordedWithItsAttempts) {
  call_.facts.traceparent = kCallersTrace;
  const InflightCall inflight = traced_.Begin(call_);
  ASSERT_NE(call_.trace, nullptr);
  EXPECT_EQ(call_.trace->id_text(), "4bf92f3577b34da6a3ce929d0e0e4736");
  call_.trace->node = "writer";
  Attempt& attempt = call_.attempts.Add();
  attempt.provider = "mock";
  attempt.model = "mock-model";
  attempt.priced_as = "openai";
  attempt.span = 77;
  attempt.start_time = clock_.WallTime();
  attempt.End(MakeFault(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "503"),
              absl::Seconds(2));
  traced_.Record(call_, attempt.status);

  const auto kept = tracer_.store().Find(call_.trace->trace());
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0]->request_id, "r-1");
  EXPECT_EQ(kept[0]->node, "writer");
  EXPECT_TRUE(kept[0]->failed);
  const std::vector<ReadSpan> spans = ReadSpans(kept[0]->spans);
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].span, call_.trace->span());
  EXPECT_EQ(spans[1].span, 77u);
  EXPECT_EQ(spans[1].parent, spans[0].span);
  EXPECT_EQ(tracer_.Totals(absl::Hours(1)).all.failed, 1);
}

TEST_F(TraceRecordTest, WithoutTracingTheCallersTraceIsPassedOn) {
  call_.facts.traceparent = kCallersTrace;
  const InflightCall inflight = untraced_.Begin(call_);
  ASSERT_NE(call_.trace, nullptr);
  EXPECT_FALSE(call_.trace->records());
  untraced_.Record(call_, absl::OkStatus());
  EXPECT_EQ(tracer_.store().size().traces, 0u);
}

TEST_F(TraceRecordTest, WithoutEitherThereIsNone) {
  const InflightCall inflight = untraced_.Begin(call_);
  EXPECT_EQ(call_.trace, nullptr);
  untraced_.Record(call_, absl::OkStatus());
}

}  // namespace
}  // namespace gateway
