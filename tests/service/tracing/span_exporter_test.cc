#include "service/tracing/span_exporter.h"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/sleep.h"
#include "base/async/task.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/tracing/traced_calls.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_runner.h"
#include "tests/testing/simulated_time.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct CollectorAnswer {
  absl::Status transport;
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string body = {};
};

class CollectorExchange final : public HttpExchange {
 public:
  explicit CollectorExchange(CollectorAnswer answer)
      : answer_(std::move(answer)) {}

  int status() const override { return answer_.status; }
  std::string_view Find(std::string_view lower_name) const override {
    for (const auto& [name, value] : answer_.fields) {
      if (name == lower_name) return value;
    }
    return {};
  }
  absl::Span<const HttpField> Fields(FieldViews&) const override { return {}; }
  Task<absl::StatusOr<absl::Span<const std::string_view>>> Read() override {
    co_return absl::Span<const std::string_view>();
  }
  Task<absl::StatusOr<std::string_view>> ReadAll() override {
    co_return std::string_view(answer_.body);
  }
  void DropBody() override {}
  bool Keep(size_t) override { return true; }
  void FinishInBackground() override {}

 private:
  const CollectorAnswer answer_;
};

// Answers as it is told, and with 200 when it is told no more.
class Collector final : public HttpClient {
 public:
  explicit Collector(SimulatedTime& time) : time_(time) {}

  Task<absl::StatusOr<std::unique_ptr<HttpExchange>>> Send(
      const HttpCall& call) override {
    std::string body;
    for (const std::string_view piece : call.body) body += piece;
    bodies.push_back(std::move(body));
    times.push_back(time_.SteadyTime());
    path = call.head->path();
    fields.clear();
    for (const auto& field : call.head->fields()) {
      fields += field.name + "=" + std::string(field.value.Reveal()) + ";";
    }
    destination = call.head->destination();
    if (call.cancel->cancelled()) co_return call.cancel->status();
    CollectorAnswer answer = otherwise;
    if (!answers.empty()) {
      answer = std::move(answers.front());
      answers.pop_front();
    }
    if (!answer.transport.ok()) co_return answer.transport;
    co_return std::make_unique<CollectorExchange>(std::move(answer));
  }

  std::deque<CollectorAnswer> answers;
  CollectorAnswer otherwise = {.fields = {{"grpc-status", "0"}}};
  std::vector<std::string> bodies;
  std::vector<absl::Duration> times;
  std::string path;
  std::string fields;
  std::shared_ptr<const HttpDestination> destination;

 private:
  SimulatedTime& time_;
};

class SpanExporterTest : public testing::Test {
 protected:
  void Make(SpanExporter::Options options) {
    options.resource = MakeOtlpResource("s", "1", {});
    auto made = SpanExporter::Make(options, queue_, random_);
    ASSERT_TRUE(made.ok()) << made.status();
    exporter_ = *std::move(made);
  }
  void MakeHttp() {
    Make({.protocol = ExportProtocol::kHttp, .endpoint = "http://127.0.0.1:1"});
  }

  // Runs the exporter while `script` does, and stops it then.
  void Run(std::function<Task<void>()> script) {
    runner_.Run(RunBeside(std::move(script)));
  }
  Task<void> RunBeside(std::function<Task<void>()> script) {
    bool ended = false;
    WakeUp over;
    Spawn(RunExporter(&ended, &over));
    co_await script();
    exporter_->StopOnLoop(runner_.loop());
    while (!ended) co_await over.Wait();
  }
  Task<void> RunExporter(bool* ended, WakeUp* over) {
    co_await exporter_->Run(runner_.loop(), collector_);
    *ended = true;
    over->Set();
  }
  Task<void> After(absl::Duration time) {
    CancelSignal never;
    (co_await Sleep(runner_.loop(), time, never)).IgnoreError();
  }

  FakeRandom random_{5};
  SimulatedTime time_;
  LoopRunner runner_{time_};
  SpanQueue queue_{{.spans_max = 8, .batch_spans = 4}};
  Collector collector_{time_};
  std::unique_ptr<SpanExporter> exporter_;
};

TEST_F(SpanExporterTest, SendsByHttp) {
  Make({.protocol = ExportProtocol::kHttp,
        .endpoint = "http://127.0.0.1:4318",
        .headers = {{"x-tenant", Secret("blue")}}});
  const KeptTraceRef trace = TestCall().kept();
  queue_.Add(trace);
  Run([&]() -> Task<void> { co_await After(absl::Seconds(6)); });
  ASSERT_EQ(collector_.bodies.size(), 1u);
  EXPECT_THAT(collector_.bodies[0], HasSubstr(trace->spans));
  EXPECT_EQ(collector_.path, "/v1/traces");
  EXPECT_EQ(collector_.fields,
            "content-type=application/x-protobuf;user-agent=llmgateway;"
            "x-tenant=blue;");
  EXPECT_EQ(collector_.destination->port, 4318);
  EXPECT_EQ(collector_.destination->version, HttpVersion::kHttp1);
  EXPECT_EQ(exporter_->exported(), 1);
  EXPECT_EQ(exporter_->refused(), 0);
}

TEST_F(SpanExporterTest, SendsByGrpc) {
  Make(
      {.protocol = ExportProtocol::kGrpc, .endpoint = "http://127.0.0.1:4317"});
  queue_.Add(TestCall().kept());
  Run([&]() -> Task<void> { co_await After(absl::Seconds(6)); });
  ASSERT_EQ(collector_.bodies.size(), 1u);
  EXPECT_EQ(collector_.bodies[0][0], 0);  // Not compressed.
  EXPECT_EQ(collector_.path,
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
  EXPECT_EQ(collector_.fields,
            "content-type=application/grpc;user-agent=llmgateway;te=trailers;");
  EXPECT_EQ(collector_.destination->version, HttpVersion::kHttp2);
  EXPECT_EQ(exporter_->exported(), 1);
}

TEST_F(SpanExporterTest, AnEndpointsPathIsKept) {
  Make({.protocol = ExportProtocol::kHttp,
        .endpoint = "http://127.0.0.1:1/in/traces"});
  queue_.Add(TestCall().kept());
  Run([&]() -> Task<void> { co_await After(absl::Seconds(6)); });
  EXPECT_EQ(collector_.path, "/in/traces");
}

TEST_F(SpanExporterTest, ABatchLeavesAtOnceAndTheRestInTime) {
  MakeHttp();
  Run([&]() -> Task<void> {
    const absl::Duration begin = time_.SteadyTime();
    for (int i = 0; i < 5; ++i) queue_.Add(TestCall().kept());
    co_await After(absl::Milliseconds(10));
    EXPECT_EQ(collector_.bodies.size(), 1u);
    EXPECT_EQ(exporter_->exported(), 4);
    co_await After(absl::Seconds(4));
    EXPECT_EQ(collector_.bodies.size(), 1u);
    co_await After(absl::Seconds(2));
    EXPECT_EQ(collector_.bodies.size(), 2u);
    EXPECT_EQ(exporter_->exported(), 5);
    EXPECT_LE(collector_.times[1] - begin, absl::Seconds(6));
  });
}

TEST_F(SpanExporterTest, TriesAgainLaterAndLaterWhileTheCollectorIsAway) {
  MakeHttp();
  for (int i = 0; i < 8; ++i) {
    collector_.answers.push_back(
        {.transport = absl::UnavailableError("refused")});
  }
  Run([&]() -> Task<void> {
    for (int i = 0; i < 4; ++i) queue_.Add(TestCall().kept());
    co_await After(absl::Minutes(5));
  });
  ASSERT_EQ(collector_.times.size(), 9u);
  for (size_t i = 1; i < 9; ++i) {
    const absl::Duration waited = collector_.times[i] - collector_.times[i - 1];
    const absl::Duration longest =
        std::min(absl::Seconds(1) * (1 << (i - 1)), absl::Seconds(30));
    EXPECT_GE(waited, longest / 2);
    EXPECT_LE(waited, longest + absl::Milliseconds(2));
    EXPECT_EQ(collector_.bodies[i], collector_.bodies[0]);
  }
  EXPECT_EQ(exporter_->exported(), 4);
  EXPECT_EQ(exporter_->failures(), 8);
  EXPECT_EQ(queue_.dropped(), 0);
}

TEST_F(SpanExporterTest, LeavesTheCollectorAloneForAsLongAsItWants) {
  MakeHttp();
  collector_.answers.push_back(
      {.status = 503, .fields = {{"retry-after", "40"}}});
  Run([&]() -> Task<void> {
    for (int i = 0; i < 4; ++i) queue_.Add(TestCall().kept());
    co_await After(absl::Minutes(1));
  });
  ASSERT_EQ(collector_.times.size(), 2u);
  EXPECT_GE(collector_.times[1] - collector_.times[0], absl::Seconds(40));
  EXPECT_EQ(exporter_->exported(), 4);
}

TEST_F(SpanExporterTest, WhatIsRefusedIsNotSentAgain) {
  MakeHttp();
  collector_.answers.push_back({.status = 400});
  Run([&]() -> Task<void> {
    for (int i = 0; i < 4; ++i) queue_.Add(TestCall().kept());
    co_await After(absl::Seconds(10));
    EXPECT_EQ(collector_.bodies.size(), 1u);
    queue_.Add(TestCall().kept());
    co_await After(absl::Seconds(10));
  });
  EXPECT_EQ(exporter_->refused(), 4);
  EXPECT_EQ(exporter_->exported(), 1);
}

TEST_F(SpanExporterTest, WhatIsTakenInPartIsCounted) {
  MakeHttp();
  // A partial success of which three are rejected.
  collector_.answers.push_back({.body = std::string("\x0a\x02\x08\x03", 4)});
  Run([&]() -> Task<void> {
    for (int i = 0; i < 4; ++i) queue_.Add(TestCall().kept());
    co_await After(absl::Seconds(10));
  });
  EXPECT_EQ(collector_.bodies.size(), 1u);
  EXPECT_EQ(exporter_->exported(), 1);
  EXPECT_EQ(exporter_->refused(), 3);
}

TEST_F(SpanExporterTest, WhatACollectorRepeatsOfTheHeadersIsNotLogged) {
  Make({.protocol = ExportProtocol::kGrpc,
        .endpoint = "http://127.0.0.1:4317",
        .headers = {{"authorization", Secret("Bearer collector-key-12345")},
                    {"x-tenant", Secret("a")}}});
  collector_.answers.push_back(
      {.fields = {{"grpc-status", "16"},
                  {"grpc-message", "bad token collector-key-12345"}}});
  queue_.Add(TestCall().kept());
  testing::internal::CaptureStderr();
  Run([&]() -> Task<void> { co_await After(absl::Seconds(10)); });
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("spans could not be exported"));
  EXPECT_THAT(log, HasSubstr("bad token ***"));
  EXPECT_THAT(log, Not(HasSubstr("collector-key-12345")));
}

TEST_F(SpanExporterTest, ATryThatBeginsHasTheHeadersOfItsMoment) {
  Make({.protocol = ExportProtocol::kHttp,
        .endpoint = "http://127.0.0.1:1",
        .headers = {{"x-token", Secret("first-token-1")}}});
  collector_.answers.push_back({.status = 503, .body = "no first-token-1"});
  collector_.answers.push_back({.status = 503, .body = "no second-token"});
  testing::internal::CaptureStderr();
  Run([&]() -> Task<void> {
    for (int i = 0; i < 4; ++i) queue_.Add(TestCall().kept());
    co_await After(absl::Milliseconds(10));
    EXPECT_THAT(collector_.fields, HasSubstr("x-token=first-token-1;"));
    const auto before = collector_.destination;
    exporter_->SetHeaders({{"x-token", Secret("second-token")}});
    co_await After(absl::Minutes(1));
    EXPECT_THAT(collector_.fields, HasSubstr("x-token=second-token;"));
    EXPECT_EQ(collector_.destination, before);  // The same connections.
  });
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, Not(HasSubstr("first-token-1")));
  EXPECT_THAT(log, Not(HasSubstr("second-token")));
  EXPECT_EQ(exporter_->exported(), 4);
}

TEST_F(SpanExporterTest, AFullQueueDropsAndNobodyWaits) {
  MakeHttp();
  collector_.otherwise = {.transport = absl::UnavailableError("refused")};
  Run([&]() -> Task<void> {
    for (int i = 0; i < 4; ++i) queue_.Add(TestCall().kept());
    co_await After(absl::Milliseconds(10));  // These are being sent.
    for (int i = 0; i < 12; ++i) queue_.Add(TestCall().kept());
    EXPECT_EQ(queue_.dropped(), 4);
    co_await After(absl::Minutes(1));
  });
  EXPECT_EQ(exporter_->exported(), 0);
  EXPECT_EQ(exporter_->refused(), 12);
}

TEST_F(SpanExporterTest, WhatWaitsIsSentOnceMoreAtTheEnd) {
  MakeHttp();
  Run([&]() -> Task<void> {
    for (int i = 0; i < 3; ++i) queue_.Add(TestCall().kept());
    co_return;
  });
  EXPECT_EQ(exporter_->exported(), 3);
}

TEST_F(SpanExporterTest, AtTheEndACollectorThatIsAwayHoldsNobodyUp) {
  MakeHttp();
  collector_.otherwise = {.transport = absl::UnavailableError("refused")};
  absl::Duration begin;
  Run([&]() -> Task<void> {
    for (int i = 0; i < 8; ++i) queue_.Add(TestCall().kept());
    co_await After(absl::Seconds(100));
    begin = time_.SteadyTime();
  });
  EXPECT_LE(time_.SteadyTime() - begin, SpanExporter::kLastTimeout);
  EXPECT_EQ(exporter_->refused(), 8);
}

TEST_F(SpanExporterTest, TheLogTakesSpans) {
  Make({.protocol = ExportProtocol::kLog});
  TestCall call;
  call.AddAttempt("openai", "gpt-x");
  queue_.Add(call.kept());
  testing::internal::CaptureStderr();
  Run([&]() -> Task<void> { co_await After(absl::Seconds(6)); });
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr(std::string(call.trace->id_text())));
  EXPECT_THAT(log, HasSubstr("\"name\":\"chat gpt-x\""));
  EXPECT_THAT(log, HasSubstr("gen_ai.operation.name=chat"));
  EXPECT_EQ(exporter_->exported(), 2);
  EXPECT_TRUE(collector_.bodies.empty());
}

TEST_F(SpanExporterTest, AnEndpointThatIsNoUrlIsRefused) {
  const auto made =
      SpanExporter::Make({.endpoint = "collector:4317"}, queue_, random_);
  EXPECT_EQ(made.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gateway
