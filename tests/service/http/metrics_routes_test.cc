#include "service/http/metrics_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "base/http/http_handler.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/api/metrics_service.h"
#include "service/api/summary_methods.h"
#include "service/observability/metric_history.h"
#include "service/observability/metrics.h"
#include "service/observability/request_feed.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/summary_record.h"
#include "service/summary/call_summary.h"
#include "tests/testing/raw_client.h"
#include "tests/testing/test_http_server.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr char kSumsYaml[] = "providers: [{name: mock, mock: {}}]\n";
constexpr char kSumsKeys[] =
    "auth:\n"
    "  callers: {api_keys: [{id: a, key: 'env:ALICE'}]}\n"
    "  operators: {api_keys: [{id: ops, key: 'env:OPS'}]}\n";
constexpr char kSumsAlice[] = "alice-0123456789";
constexpr char kSumsOps[] = "operator-0123456789";

// What stands behind.
class TheRest final : public HttpHandler {
 public:
  Task<void> Handle(const HttpRequest& request,
                    HttpResponder& responder) override {
    const std::string_view body[] = {"the rest: ", request.path};
    (co_await responder.Send({200, {}}, body)).IgnoreError();
  }
};

class MetricsRoutesTest : public testing::Test {
 protected:
  MetricsRoutesTest() { Open(kSumsYaml); }

  void Open(const std::string& yaml) {
    server_.reset();
    current_ = std::make_unique<CurrentRuntime>(
        MakeTestRuntime(yaml, {{"ALICE", kSumsAlice}, {"OPS", kSumsOps}}));
    runtime_ = std::make_unique<CachedRuntime>(*current_);
    Clock& clock = current_->Get()->clock();
    registry_ = std::make_unique<MetricRegistry>(clock);
    summary_ = CallSummary::Open({}, clock);
    shard_.emplace(summary_->AddShard());
    methods_.emplace(SummaryMethods::Sources{.runtime = *current_,
                                             .metrics = *registry_,
                                             .summary = *summary_,
                                             .feed = feed_,
                                             .worker = worker_});
    history_.emplace(*registry_, clock, MetricHistory::Options{});
    metrics_.emplace(MetricsService::Sources{.runtime = *current_,
                                             .metrics = *registry_,
                                             .history = *history_,
                                             .feed = feed_,
                                             .worker = worker_});
    rpcs_.emplace();
    methods_->AddTo(*rpcs_);
    metrics_->AddTo(*rpcs_);
    ASSERT_TRUE(rpcs_->status().ok()) << rpcs_->status();
    routes_ = std::make_unique<MetricsRoutes>(
        MetricsRoutes::Sources{*runtime_, *rpcs_, feed_},
        std::make_unique<TheRest>());
    server_ = std::make_unique<TestHttpServer>(*routes_);
  }

  RawAnswer Ask(std::string_view path, std::string_view fields = "",
                std::string_view method = "GET") {
    RawClient client = RawClient::Connect(server_->port());
    client.Send(absl::StrCat(ToAbsl(method), " ", ToAbsl(path),
                             " HTTP/1.1\r\nhost: localhost\r\n", ToAbsl(fields),
                             "\r\n"));
    return client.ReceiveAnswer(method == "HEAD");
  }
  RawAnswer AskAs(std::string_view key, std::string_view path,
                  std::string_view method = "GET") {
    return Ask(path,
               absl::StrCat("authorization: Bearer ", ToAbsl(key), "\r\n"),
               method);
  }

  CallRecord Ended(absl::StatusCode code = absl::StatusCode::kOk) {
    usage_.set_input_tokens(10);
    usage_.set_output_tokens(20);
    usage_.set_cached_input_tokens(4);
    usage_.set_cache_write_tokens(3);
    usage_.set_cost_usd_nanos(15'750'000);
    usage_.set_cost_known(true);
    CallRecord record;
    record.start_time = current_->Get()->clock().WallTime();
    record.duration = absl::Milliseconds(300);
    record.request_id = "r-1";
    record.operation = "POST /v1/messages";
    record.provider = "anthropic";
    record.model_served = "sonnet";
    record.scope.agent_type = "reviewer";
    record.scope.project_id = "p-1";
    record.usage = &usage_;
    record.status_code = code;
    return record;
  }

  RequestFeed feed_{{}};
  v1::Usage usage_;
  std::unique_ptr<CurrentRuntime> current_;
  std::unique_ptr<CachedRuntime> runtime_;
  std::unique_ptr<MetricRegistry> registry_;
  std::unique_ptr<CallSummary> summary_;
  std::optional<CallSummary::Shard> shard_;
  BlockingWorker worker_{{}};
  std::optional<SummaryMethods> methods_;
  std::optional<MetricHistory> history_;
  std::optional<MetricsService> metrics_;
  std::optional<MethodTable> rpcs_;
  std::unique_ptr<MetricsRoutes> routes_;
  std::unique_ptr<TestHttpServer> server_;
};

TEST_F(MetricsRoutesTest, ThePathsAreAClosedList) {
  for (const std::string_view path :
       {"/gateway/metrics", "/gateway/metrics/reset",
        "/api/streams/subscribe"}) {
    EXPECT_TRUE(MetricsRoutes::Owns(path)) << path;
  }
  EXPECT_EQ(Ask("/gateway/metrics/").body, "the rest: /gateway/metrics/");
}

TEST_F(MetricsRoutesTest, CallsAreSummedUp) {
  RecordInSummary(Ended(), 0, *shard_);
  RecordInSummary(Ended(absl::StatusCode::kUnavailable), 0, *shard_);
  const RawAnswer answer = Ask("/gateway/metrics?include_project=true");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Find("content-type"), "application/json");
  EXPECT_THAT(
      answer.body,
      HasSubstr("{\"summary\":{\"total_requests\":2,\"successful_requests\":1,"
                "\"failed_requests\":1,\"total_cost_usd\":0.0315,"
                "\"total_input_tokens\":20,\"total_output_tokens\":40,"
                "\"total_cache_write_tokens\":6,\"total_cache_read_tokens\":8,"
                "\"avg_latency_ms\":300},\"by_agent\":{\"reviewer\":0.0315},"
                "\"by_provider\":{\"anthropic\":0.0315},"
                "\"by_model\":{\"sonnet\":0.0315},"
                "\"by_project\":{\"p-1\":0.0315},\"recent\":[{"));
  EXPECT_THAT(answer.body,
              HasSubstr("\"request_id\":\"r-1\",\"provider\":\"anthropic\","
                        "\"model\":\"sonnet\",\"agent_type\":\"reviewer\","
                        "\"project_id\":\"p-1\",\"input_tokens\":10,"
                        "\"output_tokens\":20,\"cache_write_tokens\":3,"
                        "\"cache_read_tokens\":4,\"cost_usd\":0.01575,"
                        "\"latency_ms\":300,\"success\":true}"));
}

TEST_F(MetricsRoutesTest, BeforeTheFirstCallAllFiguresAreZero) {
  const std::string body = Ask("/gateway/metrics").body;
  EXPECT_THAT(body, HasSubstr("\"total_requests\":0,"));
  EXPECT_THAT(body, HasSubstr("\"avg_latency_ms\":0}"));
  EXPECT_THAT(body, HasSubstr("\"by_agent\":{},\"by_provider\":{},"
                              "\"by_model\":{},\"recent\":[]}"));
}

TEST_F(MetricsRoutesTest, WhatIsShownIsAskedFor) {
  for (int i = 0; i < 25; ++i) RecordInSummary(Ended(), 0, *shard_);
  const auto recent = [](const std::string& body) {
    int found = 0;
    for (size_t at = 0; (at = body.find("\"latency_ms\"", at)) != body.npos;
         ++at) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(recent(Ask("/gateway/metrics").body), 20);
  EXPECT_EQ(recent(Ask("/gateway/metrics?recent_limit=3").body), 3);
  EXPECT_EQ(recent(Ask("/gateway/metrics?recent_limit=5000").body), 25);
  const std::string body =
      Ask("/gateway/metrics?include_agent=false&include_provider=false&"
          "include_model=false&recent_limit=0")
          .body;
  EXPECT_THAT(body, Not(HasSubstr("\"by_")));
  EXPECT_THAT(body, HasSubstr("\"recent\":[]"));
}

TEST_F(MetricsRoutesTest, AQueryThatIsNotUnderstoodIsRefused) {
  for (const std::string_view query :
       {"include_agent=yes", "recent_limit=-1", "recent_limit=x", "other=1",
        "include_agent=true&include_agent=true"}) {
    const RawAnswer answer =
        Ask(absl::StrCat("/gateway/metrics?", ToAbsl(query)));
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_THAT(answer.body,
                HasSubstr("{\"error\":{\"type\":\"validation_error\","));
  }
}

TEST_F(MetricsRoutesTest, AResetForgetsThem) {
  RecordInSummary(Ended(), 0, *shard_);
  EXPECT_EQ(Ask("/gateway/metrics/reset").status, 405);
  EXPECT_EQ(Ask("/gateway/metrics/reset").Find("allow"), "POST");
  const RawAnswer answer = Ask("/gateway/metrics/reset", "", "POST");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("{\"status\":\"ok\",\"message\":"));
  EXPECT_THAT(Ask("/gateway/metrics").body, HasSubstr("\"total_requests\":0,"));
}

TEST_F(MetricsRoutesTest, WhereOperatorsHaveKeysTheyAreForOperators) {
  Open(absl::StrCat(kSumsYaml, kSumsKeys));
  for (const std::string_view path :
       {"/gateway/metrics", "/gateway/metrics/reset",
        "/api/streams/subscribe"}) {
    const std::string_view method =
        path == "/gateway/metrics/reset" ? "POST" : "GET";
    EXPECT_EQ(Ask(path, "", method).status, 401) << path;
    const RawAnswer refused = AskAs(kSumsAlice, path, method);
    EXPECT_EQ(refused.status, 401) << path;
    EXPECT_THAT(refused.body,
                HasSubstr("{\"error\":{\"type\":\"authentication_error\","));
  }
  EXPECT_EQ(AskAs(kSumsOps, "/gateway/metrics").status, 200);
  EXPECT_EQ(AskAs(kSumsOps, "/gateway/metrics/reset", "POST").status, 200);
}

TEST_F(MetricsRoutesTest, WhereOnlyCallersHaveKeysTheyAreForNobody) {
  Open(absl::StrCat(
      kSumsYaml, "auth: {callers: {api_keys: [{id: a, key: 'env:ALICE'}]}}\n"));
  for (const std::string_view path :
       {"/gateway/metrics", "/gateway/metrics/reset",
        "/api/streams/subscribe"}) {
    const std::string_view method =
        path == "/gateway/metrics/reset" ? "POST" : "GET";
    EXPECT_EQ(Ask(path, "", method).status, 403) << path;
    const RawAnswer refused = AskAs(kSumsAlice, path, method);
    EXPECT_EQ(refused.status, 403) << path;
    EXPECT_THAT(refused.body, HasSubstr("configure auth.operators.api_keys"));
  }
}

TEST_F(MetricsRoutesTest, PagesOfOthersMayNotResetWithoutAKey) {
  const RawAnswer answer =
      Ask("/gateway/metrics/reset", "origin: https://evil.example\r\n", "POST");
  EXPECT_EQ(answer.status, 403);
  EXPECT_THAT(answer.body, HasSubstr("permission_error"));
}

TEST_F(MetricsRoutesTest, EventsSayWhenThatHappenedWhichTheyTell) {
  RawClient client = RawClient::Connect(server_->port());
  client.Send("GET /api/streams/subscribe HTTP/1.1\r\nhost: localhost\r\n\r\n");
  client.ReceiveUntil(": subscribed\n\n");
  CallRecord record = Ended();
  record.start_time = absl::FromUnixMillis(1'800'000'000'000);
  feed_.PublishProgress(FeedEvent::Kind::kStarted, record);
  record.time_to_first_token = absl::Milliseconds(120);
  feed_.PublishProgress(FeedEvent::Kind::kFirstToken, record);
  feed_.Publish(record);
  const std::string events = client.ReceiveUntil("00.300Z\"");
  for (const char* event : {"\"type\":\"started\",\"request_id\":\"r-1\","
                            "\"timestamp\":\"2027-01-15T08:00:00.000Z\"",
                            "\"type\":\"first_token\",\"request_id\":\"r-1\","
                            "\"timestamp\":\"2027-01-15T08:00:00.120Z\"",
                            "\"type\":\"completed\",\"request_id\":\"r-1\","
                            "\"timestamp\":\"2027-01-15T08:00:00.300Z\""}) {
    EXPECT_THAT(events, HasSubstr(event));
  }
  feed_.Close();
}

TEST_F(MetricsRoutesTest, WhoseKeyIsTakenOutIsToldNoMore) {
  Open(absl::StrCat(kSumsYaml, kSumsKeys));
  RawClient client = RawClient::Connect(server_->port());
  client.Send(
      absl::StrCat("GET /api/streams/subscribe HTTP/1.1\r\nhost: localhost\r\n"
                   "authorization: Bearer ",
                   kSumsOps, "\r\n\r\n"));
  client.ReceiveUntil(": subscribed\n\n");
  current_->Swap(MakeTestRuntime(
      absl::StrCat(kSumsYaml, kSumsKeys),
      {{"ALICE", kSumsAlice}, {"OPS", "another-0123456789"}}));
  EXPECT_THAT(client.ReceiveUntil("0\r\n\r\n"), HasSubstr("0\r\n\r\n"));
}

TEST_F(MetricsRoutesTest, EventsAreStreamedAsCallsGo) {
  RawClient client = RawClient::Connect(server_->port());
  client.Send("GET /api/streams/subscribe HTTP/1.1\r\nhost: localhost\r\n\r\n");
  const std::string head = client.ReceiveUntil(": subscribed\n\n");
  EXPECT_THAT(head, HasSubstr("content-type: text/event-stream\r\n"));
  EXPECT_THAT(head, HasSubstr("x-accel-buffering: no\r\n"));
  const CallRecord record = Ended();
  feed_.PublishProgress(FeedEvent::Kind::kStarted, record);
  feed_.Publish(record);
  CallRecord failed = Ended(absl::StatusCode::kUnavailable);
  failed.error_reason = v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  failed.error_message = "it is down";
  feed_.Publish(failed);
  const std::string events = client.ReceiveUntil("it is down\"}\n\n");
  EXPECT_THAT(events, HasSubstr("event: started\ndata: {\"type\":\"started\","
                                "\"request_id\":\"r-1\","));
  EXPECT_THAT(events, HasSubstr("event: completed\ndata: "));
  EXPECT_THAT(events, HasSubstr("\"cost_usd\":0.01575,"));
  EXPECT_THAT(events, HasSubstr("event: error\ndata: "));
  EXPECT_THAT(events, HasSubstr("\"error\":\"PROVIDER_UNAVAILABLE\""));
  feed_.Close();
  EXPECT_THAT(client.ReceiveUntil("0\r\n\r\n"), HasSubstr("0\r\n\r\n"));
}

}  // namespace
}  // namespace gateway
