#include "service/api/metrics_service.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/event_loop.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/metrics.pb.h"
#include "proto/proto_time.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/observability/call_record.h"
#include "service/observability/metric_history.h"
#include "service/observability/metrics.h"
#include "service/observability/metrics_text.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "tests/service/api/scripted_streams.h"
#include "tests/testing/event.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

constexpr char kOpen[] = "providers: [{name: mock, mock: {}}]\n";
constexpr char kWithKeys[] =
    "providers: [{name: mock, mock: {}}]\n"
    "auth: {operators: {api_keys: [{id: ops, key: 'env:KEY'}]}}\n";
constexpr char kKey[] = "0123456789abcdef";

constexpr std::string_view kLabels[] = {"provider"};
constexpr MetricDefinition kCalls = {
    .name = "calls_total", .help = "Calls.", .label_names = kLabels};
constexpr MetricDefinition kOpenCalls = {
    .name = "open_calls", .help = "Open calls.", .kind = MetricKind::kGauge};
constexpr double kBounds[] = {0.5, 2};
constexpr MetricDefinition kSeconds = {.name = "seconds",
                                       .help = "Seconds.",
                                       .kind = MetricKind::kHistogram,
                                       .bounds = kBounds};

// One call of WatchRequests on its loop. All but the constructor and Start on
// the loop's thread.
struct Watch {
  explicit Watch(EventLoop& loop) : call(loop, {.peer = "127.0.0.1:1"}) {}

  // `id` for each event, `+n` before it for n that were lost.
  std::string Told() const {
    std::string told;
    for (const v1::RequestEvent& event : writer.written()) {
      if (event.dropped_events() > 0) {
        absl::StrAppend(&told, "+", event.dropped_events());
      }
      absl::StrAppend(&told, event.ended().request_id());
    }
    return told;
  }

  CallContext call;
  v1::WatchRequestsRequest request;
  KeepingWriter<v1::RequestEvent> writer;
  HandlerArguments arguments;
  absl::Status status = absl::UnknownError("still watching");
  Event ended;
};

class MetricsServiceTest : public testing::Test {
 protected:
  MetricsServiceTest() {
    metrics_.AddTo(table_);
    EXPECT_TRUE(table_.status().ok()) << table_.status();
    MetricShard& shard = registry_.AddShard();
    openai_ = &shard.CounterOf(kCalls, {"openai"});
    openai_->Add(3);
    shard.CounterOf(kCalls, {"mock"}).Add(1);
    shard.GaugeOf(kOpenCalls, {}).Add(7);
    MetricHistogram& seconds = shard.HistogramOf(kSeconds, {});
    for (const double value : {0.25, 1.0, 1.5, 8.0}) seconds.Observe(value);
  }

  const Method& Find(const std::string& method) {
    return *table_.Find("/llmgateway.v1.MetricsService/" + method);
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request,
                               std::string_view api_key = "") {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    if (!api_key.empty()) call.AddMetadata("x-api-key", api_key);
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await Find(method).Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  absl::StatusOr<v1::GetMetricsResponse> GetMetrics(
      const std::vector<std::string>& names) {
    v1::GetMetricsRequest request;
    for (const std::string& name : names) request.add_names(name);
    return Ask<v1::GetMetricsResponse>("GetMetrics", request);
  }

  void Start(Watch& watch) {
    watch.arguments.request = &watch.request;
    watch.arguments.writer = &watch.writer;
    ASSERT_TRUE(loop_.Run([&] {
      Spawn([](const Method& method, Watch& watch) -> Task<void> {
        watch.status = co_await method.Run(watch.call, watch.arguments);
        watch.ended.Set();
      }(Find("WatchRequests"), watch));
    }));
  }

  void Publish(const std::string& id, const std::string& provider = "openai",
               absl::StatusCode code = absl::StatusCode::kOk) {
    CallRecord record;
    record.start_time = absl::UnixEpoch();
    record.request_id = id;
    record.provider = provider;
    record.model_asked = "gpt-5";
    record.status_code = code;
    feed_.Publish(record);
  }

  // What the watcher has been told once the loop has nothing left to do.
  std::string Told(Watch& watch) {
    std::string told;
    // Work that is posted while the loop works runs one turn later.
    for (int turn = 0; turn < 3; ++turn) {
      EXPECT_TRUE(loop_.Run([&] { told = watch.Told(); }));
    }
    return told;
  }

  void Cancel(Watch& watch, absl::Status why) {
    ASSERT_TRUE(loop_.Run([&] { watch.call.cancel().Cancel(why); }));
    ASSERT_TRUE(watch.ended.Wait());
  }

  absl::StatusOr<v1::GetMetricsResponse> GetAdded(absl::Duration window) {
    v1::GetMetricsRequest request;
    *request.mutable_window() = ToProto(window);
    return Ask<v1::GetMetricsResponse>("GetMetrics", request);
  }

  LoopThread loop_;
  FakeClock clock_;
  Counter* openai_ = nullptr;
  MetricRegistry registry_{clock_};
  RequestFeed feed_{{.events_limit = 3, .watchers_limit = 2}};
  CurrentRuntime runtime_{MakeTestRuntime(kOpen)};
  MetricHistory history_{registry_, clock_, {}};
  BlockingWorker worker_{{}};
  MetricsService metrics_{{.runtime = runtime_,
                           .metrics = registry_,
                           .history = history_,
                           .feed = feed_,
                           .worker = worker_}};
  MethodTable table_;
};

TEST_F(MetricsServiceTest, ReturnsEveryMetricAsTypedValues) {
  const absl::StatusOr<v1::GetMetricsResponse> response = GetMetrics({});
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->read_time().seconds(),
            absl::ToUnixSeconds(clock_.WallTime()));
  ASSERT_EQ(response->families_size(), 3);

  const v1::MetricFamily& calls = response->families(0);
  EXPECT_EQ(calls.name(), "calls_total");
  EXPECT_EQ(calls.help(), "Calls.");
  EXPECT_EQ(calls.kind(), v1::MetricFamily::KIND_COUNTER);
  ASSERT_EQ(calls.metrics_size(), 2);
  EXPECT_EQ(calls.metrics(0).labels().at("provider"), "mock");
  EXPECT_EQ(calls.metrics(0).number(), 1);
  EXPECT_EQ(calls.metrics(1).labels().at("provider"), "openai");
  EXPECT_EQ(calls.metrics(1).number(), 3);

  EXPECT_EQ(response->families(1).kind(), v1::MetricFamily::KIND_GAUGE);
  EXPECT_EQ(response->families(1).metrics(0).number(), 7);

  const v1::MetricFamily& seconds = response->families(2);
  EXPECT_EQ(seconds.kind(), v1::MetricFamily::KIND_HISTOGRAM);
  const v1::Histogram& histogram = seconds.metrics(0).histogram();
  EXPECT_EQ(histogram.count(), 4);
  EXPECT_EQ(histogram.sum(), 10.75);
  ASSERT_EQ(histogram.buckets_size(), 2);
  EXPECT_EQ(histogram.buckets(0).upper_bound(), 0.5);
  EXPECT_EQ(histogram.buckets(0).count(), 1);
  EXPECT_EQ(histogram.buckets(1).count(), 3);
}

TEST_F(MetricsServiceTest, ReturnsOnlyTheMetricsThatAreAskedFor) {
  const absl::StatusOr<v1::GetMetricsResponse> response =
      GetMetrics({"seconds"});
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->families_size(), 1);
  EXPECT_EQ(response->families(0).name(), "seconds");
}

TEST_F(MetricsServiceTest, RefusesTooManyNames) {
  EXPECT_THAT(
      std::string(GetMetrics({"seconds", "no_such"}).status().message()),
      HasSubstr("names: there is no metric 'no_such'"));
  EXPECT_TRUE(GetMetrics(std::vector<std::string>(100, "seconds")).ok());
  const absl::Status status =
      GetMetrics(std::vector<std::string>(101, "seconds")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldViolations(status)[0].first, "names");
}

TEST_F(MetricsServiceTest, AWindowTellsWhatWasAddedInIt) {
  history_.TakeReading();
  const absl::Time read = clock_.WallTime();
  clock_.Advance(absl::Minutes(2));
  openai_->Add(39);
  const absl::StatusOr<v1::GetMetricsResponse> response =
      GetAdded(absl::Minutes(1));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(ToAbsl(response->window_start_time()), read);
  EXPECT_EQ(ToAbsl(response->read_time()), clock_.WallTime());
  ASSERT_EQ(response->families_size(), 3);
  EXPECT_EQ(response->families(0).metrics(0).number(), 0);
  EXPECT_EQ(response->families(0).metrics(1).number(), 39);
  EXPECT_EQ(response->families(1).metrics(0).number(), 7);  // A gauge.
  EXPECT_EQ(response->families(2).metrics(0).histogram().count(), 0);
  // Without one, all since the start is told.
  const absl::StatusOr<v1::GetMetricsResponse> all = GetMetrics({});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_FALSE(all->has_window_start_time());
  EXPECT_EQ(all->families(0).metrics(1).number(), 42);
}

TEST_F(MetricsServiceTest, AWindowIsOneMinuteToOneHour) {
  EXPECT_TRUE(GetAdded(absl::Minutes(1)).ok());
  EXPECT_TRUE(GetAdded(absl::Hours(1)).ok());
  for (const absl::Duration window : {absl::ZeroDuration(), -absl::Minutes(5),
                                      absl::Minutes(1) - absl::Nanoseconds(1),
                                      absl::Hours(1) + absl::Nanoseconds(1)}) {
    const absl::Status status = GetAdded(window).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << window;
    EXPECT_EQ(FieldViolations(status)[0].first, "window");
    EXPECT_THAT(status.message(), HasSubstr("must be 1m to 1h"));
  }
}

TEST_F(MetricsServiceTest, ScrapesTheTextThatPrometheusReads) {
  const auto response = Ask<v1::ScrapeResponse>("Scrape", v1::ScrapeRequest());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->text(), MetricsText(registry_.Read()));
  EXPECT_THAT(response->text(), HasSubstr("calls_total{provider=\"mock\"} 1"));
  EXPECT_EQ(response->content_type(), kMetricsTextContentType);
}

TEST_F(MetricsServiceTest, AWatcherSeesTheCallsThatEndFromThenOn) {
  Publish("a");
  Watch watch(loop_.loop());
  Start(watch);
  Publish("b");
  EXPECT_EQ(Told(watch), "b");
  Publish("c");
  EXPECT_EQ(Told(watch), "bc");
  Cancel(watch, absl::CancelledError("hung up"));
  EXPECT_EQ(watch.status, absl::CancelledError("hung up"));
}

TEST_F(MetricsServiceTest, AWatcherWhoAsksSeesCallsBeginAndSpeak) {
  Watch watch(loop_.loop());
  watch.request.set_include_progress(true);
  Start(watch);
  EXPECT_EQ(Told(watch), "");
  CallRecord record;
  record.start_time = absl::UnixEpoch();
  record.request_id = "a";
  record.model_asked = "gpt-5";
  record.provider = "openai";
  record.scope.user_id = "u";
  feed_.PublishProgress(FeedEvent::Kind::kStarted, record);
  EXPECT_EQ(Told(watch), "");
  record.time_to_first_token = absl::Seconds(2);
  feed_.PublishProgress(FeedEvent::Kind::kFirstToken, record);
  record.response_bytes = 17;
  feed_.PublishProgress(FeedEvent::Kind::kUsage, record);
  feed_.Publish(record);
  EXPECT_EQ(Told(watch), "a");
  const auto& events = watch.writer.written();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].started().request_id(), "a");
  EXPECT_EQ(events[0].started().route().provider(), "openai");
  EXPECT_EQ(events[0].started().scope().user_id(), "u");
  EXPECT_EQ(events[1].first_token().request_id(), "a");
  EXPECT_EQ(events[1].first_token().time_to_first_token().seconds(), 2);
  EXPECT_EQ(events[2].progress().request_id(), "a");
  EXPECT_EQ(events[2].progress().response_bytes(), 17);
  EXPECT_EQ(events[2].progress().route().provider(), "openai");
  EXPECT_EQ(events[3].ended().model(), "gpt-5");
  Cancel(watch, absl::CancelledError("hung up"));
}

TEST_F(MetricsServiceTest, AWatcherSeesOnlyWhatItAsksFor) {
  Watch failures(loop_.loop());
  failures.request.set_failures_only(true);
  failures.request.set_provider("openai");
  Start(failures);
  Watch models(loop_.loop());
  models.request.set_model("gpt-4");
  Start(models);
  Publish("a");
  Publish("b", "openai", absl::StatusCode::kUnavailable);
  Publish("c", "mock", absl::StatusCode::kUnavailable);
  EXPECT_EQ(Told(failures), "b");
  EXPECT_EQ(Told(models), "");
  Cancel(failures, absl::CancelledError());
  Cancel(models, absl::CancelledError());
}

TEST_F(MetricsServiceTest, ASlowWatcherLosesTheOldestAndIsToldHowMany) {
  Watch watch(loop_.loop());
  Start(watch);
  ASSERT_TRUE(loop_.Run([&] { watch.writer.HoldUp(); }));
  Publish("a");
  EXPECT_EQ(Told(watch), "a");
  // Nothing more is written until the first is taken.
  for (const char* id : {"b", "c", "d", "e", "f"}) Publish(id);
  EXPECT_EQ(Told(watch), "a");
  ASSERT_TRUE(loop_.Run([&] { watch.writer.Release(true); }));
  EXPECT_EQ(Told(watch), "a+2d");
  ASSERT_TRUE(loop_.Run([&] { watch.writer.Release(true); }));
  EXPECT_EQ(Told(watch), "a+2de");
  ASSERT_TRUE(loop_.Run([&] { watch.writer.Release(true); }));
  EXPECT_EQ(Told(watch), "a+2def");
  // A client that is gone takes nothing any more.
  ASSERT_TRUE(loop_.Run([&] {
    watch.call.cancel().Cancel(absl::CancelledError("gone"));
    watch.writer.Release(false);
  }));
  ASSERT_TRUE(watch.ended.Wait());
  EXPECT_EQ(watch.status, absl::CancelledError("gone"));
}

TEST_F(MetricsServiceTest, AFloodIsSentWholeAndInOrder) {
  RequestFeed feed({.events_limit = 1000, .watchers_limit = 1});
  MetricsService metrics({.runtime = runtime_,
                          .metrics = registry_,
                          .history = history_,
                          .feed = feed,
                          .worker = worker_});
  MethodTable table;
  metrics.AddTo(table);
  Watch watch(loop_.loop());
  watch.arguments.request = &watch.request;
  watch.arguments.writer = &watch.writer;
  std::string expected;
  ASSERT_TRUE(loop_.Run([&] {
    Spawn([](const Method& method, Watch& watch) -> Task<void> {
      watch.status = co_await method.Run(watch.call, watch.arguments);
      watch.ended.Set();
    }(*table.Find("/llmgateway.v1.MetricsService/WatchRequests"), watch));
    for (int i = 0; i < 500; ++i) {
      const std::string id = absl::StrCat(i, ",");
      CallRecord record;
      record.start_time = absl::UnixEpoch();
      record.request_id = id;
      feed.Publish(record);
      expected += id;
    }
  }));
  feed.Close();
  ASSERT_TRUE(watch.ended.Wait());
  EXPECT_EQ(Told(watch), expected);
}

TEST_F(MetricsServiceTest, EndsWhenTheFeedClosesAfterWhatWasPublished) {
  Watch watch(loop_.loop());
  Start(watch);
  ASSERT_TRUE(loop_.Run([&] {
    Publish("a");
    feed_.Close();
  }));
  ASSERT_TRUE(watch.ended.Wait());
  EXPECT_EQ(watch.Told(), "a");
  EXPECT_EQ(watch.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(FaultReason(watch.status), v1::ERROR_REASON_DRAINING);

  Watch late(loop_.loop());
  Start(late);
  ASSERT_TRUE(late.ended.Wait());
  EXPECT_EQ(FaultReason(late.status), v1::ERROR_REASON_DRAINING);
}

TEST_F(MetricsServiceTest, RefusesOneWatcherTooMany) {
  Watch first(loop_.loop());
  Start(first);
  {
    Watch second(loop_.loop());
    Start(second);
    Watch third(loop_.loop());
    Start(third);
    ASSERT_TRUE(third.ended.Wait());
    EXPECT_EQ(third.status.code(), absl::StatusCode::kResourceExhausted);
    Cancel(second, absl::CancelledError());
  }
  Watch fourth(loop_.loop());
  Start(fourth);
  Publish("a");
  EXPECT_EQ(Told(fourth), "a");
  Cancel(first, absl::CancelledError());
  Cancel(fourth, absl::CancelledError());
}

TEST_F(MetricsServiceTest, AsksForAKeyWhereKeysAreAskedFor) {
  runtime_.Swap(MakeTestRuntime(kWithKeys, {{"KEY", kKey}}));
  EXPECT_TRUE(
      Ask<v1::ScrapeResponse>("Scrape", v1::ScrapeRequest(), kKey).ok());
  EXPECT_TRUE(
      Ask<v1::GetMetricsResponse>("GetMetrics", v1::GetMetricsRequest(), kKey)
          .ok());
  Watch watch(loop_.loop());
  Start(watch);
  ASSERT_TRUE(watch.ended.Wait());
  for (const absl::Status& status :
       {Ask<v1::ScrapeResponse>("Scrape", v1::ScrapeRequest()).status(),
        Ask<v1::GetMetricsResponse>("GetMetrics", v1::GetMetricsRequest(), "no")
            .status(),
        watch.status}) {
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_API_KEY_INVALID);
  }
  Watch with_key(loop_.loop());
  with_key.call.AddMetadata("x-api-key", kKey);
  Start(with_key);
  Publish("a");
  EXPECT_EQ(Told(with_key), "a");
  Cancel(with_key, absl::CancelledError());
}

TEST_F(MetricsServiceTest, AWatchEndsOnceItsKeyIsTakenOut) {
  runtime_.Swap(MakeTestRuntime(kWithKeys, {{"KEY", kKey}}));
  Watch watch(loop_.loop());
  watch.call.AddMetadata("x-api-key", kKey);
  Start(watch);
  Publish("a");
  EXPECT_EQ(Told(watch), "a");
  runtime_.Swap(MakeTestRuntime(kWithKeys, {{"KEY", "another-key-of-theirs"}}));
  ASSERT_TRUE(watch.ended.Wait());
  EXPECT_EQ(watch.status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(FaultReason(watch.status), v1::ERROR_REASON_API_KEY_INVALID);
}

TEST_F(MetricsServiceTest, WatchersDoNotHoldADrainUp) {
  EXPECT_TRUE(Find("WatchRequests").kept_while_draining());
}

}  // namespace
}  // namespace gateway
