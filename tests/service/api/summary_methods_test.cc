#include "service/api/summary_methods.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/async/blocking_worker.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/metrics.pb.h"
#include "proto/proto_time.h"
#include "service/api/call_context.h"
#include "service/api/metrics_service.h"
#include "service/observability/metric_history.h"
#include "service/pipeline/summary_record.h"
#include "service/summary/call_summary.h"
#include "tests/service/api/scripted_streams.h"
#include "tests/service/store/temporary_folder.h"
#include "tests/testing/event.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class SummaryMethodsTest : public testing::Test {
 protected:
  SummaryMethodsTest() { Open(""); }

  void Open(const std::string& file) {
    std::unique_ptr<CallSummary> opened =
        CallSummary::Open({.file = file}, Clock());
    table_.reset();
    methods_.reset();
    summary_ = std::move(opened);
    shard_.emplace(summary_->AddShard());
    methods_.emplace(SummaryMethods::Sources{.runtime = runtime_,
                                             .metrics = registry_,
                                             .summary = *summary_,
                                             .feed = feed_,
                                             .worker = worker_});
    table_.emplace();
    methods_->AddTo(*table_);
    metrics_.AddTo(*table_);
    EXPECT_TRUE(table_->status().ok()) << table_->status();
  }
  gateway::Clock& Clock() { return runtime_.Get()->clock(); }

  // A call of this model that has just ended.
  void Record(const std::string& model,
              absl::StatusCode code = absl::StatusCode::kOk,
              CapabilitySet capabilities = 0) {
    v1::Usage usage;
    usage.set_input_tokens(10);
    usage.set_output_tokens(1);
    usage.set_cost_usd_nanos(1001);
    usage.set_cost_known(true);
    const std::string id = "id of " + model;
    CallRecord record;
    record.start_time = Clock().WallTime();
    record.duration = absl::Milliseconds(20);
    record.request_id = id;
    record.provider = "openai";
    record.model_served = model;
    record.caller = "team";
    record.caller_has_key = true;
    record.status_code = code;
    record.usage = &usage;
    RecordInSummary(record, capabilities, *shard_);
    feed_.Publish(record);
  }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request) {
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await table_->Find("/llmgateway.v1.MetricsService/" + method)
                   ->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }

  LoopThread loop_;
  TemporaryFolder folder_;
  CurrentRuntime runtime_{
      MakeTestRuntime("providers: [{name: mock, mock: {}}]\n")};
  MetricRegistry registry_{Clock()};
  RequestFeed feed_{{.events_limit = 3, .watchers_limit = 2}};
  std::unique_ptr<CallSummary> summary_;
  std::optional<CallSummary::Shard> shard_;
  BlockingWorker worker_{{}};
  std::optional<SummaryMethods> methods_;
  MetricHistory history_{registry_, Clock(), {}};
  MetricsService metrics_{{.runtime = runtime_,
                           .metrics = registry_,
                           .history = history_,
                           .feed = feed_,
                           .worker = worker_}};
  std::optional<MethodTable> table_;
};

TEST_F(SummaryMethodsTest, CostsAreSummedByWhatIsAskedFor) {
  Record("a");
  Record("b");
  Record("a", absl::StatusCode::kUnavailable);
  v1::GetCostSummaryRequest request;
  request.add_group_by(v1::CALL_DIMENSION_MODEL);
  request.set_bucket(v1::GetCostSummaryRequest::BUCKET_DAY);
  const auto response =
      Ask<v1::GetCostSummaryResponse>("GetCostSummary", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->totals().cost_usd_nanos(), 3003);
  EXPECT_EQ(response->totals().succeeded_count(), 2);
  EXPECT_EQ(response->totals().failed_count(), 1);
  EXPECT_EQ(ToAbsl(response->totals().duration_sum()), absl::Milliseconds(60));
  ASSERT_EQ(response->groups_size(), 2);
  EXPECT_EQ(response->groups(0).group().model(), "a");
  EXPECT_EQ(response->groups(0).group().provider(), "");
  EXPECT_EQ(response->groups(0).totals().cost_usd_nanos(), 2002);
  EXPECT_FALSE(response->has_rest());
  EXPECT_FALSE(response->has_start_time());
  EXPECT_GT(ToAbsl(response->end_time()), ToAbsl(response->since_time()));
  int64_t of_buckets = 0;
  for (const v1::CostBucket& bucket : response->buckets()) {
    of_buckets += bucket.totals().cost_usd_nanos();
    EXPECT_EQ(ToAbsl(bucket.end_time()) - ToAbsl(bucket.start_time()),
              absl::Hours(24));
  }
  EXPECT_EQ(of_buckets, 3003);
}

TEST_F(SummaryMethodsTest, GroupsBeyondTheLimitAreTheRest) {
  Record("a");
  Record("a");
  Record("b");
  v1::GetCostSummaryRequest request;
  request.add_group_by(v1::CALL_DIMENSION_MODEL);
  request.set_groups_limit(1);
  const auto response =
      Ask<v1::GetCostSummaryResponse>("GetCostSummary", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->groups_size(), 1);
  EXPECT_EQ(response->rest().cost_usd_nanos(), 1001);
}

TEST_F(SummaryMethodsTest, StatisticsHaveSixFigures) {
  Record("a", absl::StatusCode::kOk, kCapabilityVision);
  Record("b");
  Record("b", absl::StatusCode::kUnavailable);
  const auto response = Ask<v1::GetCallStatisticsResponse>(
      "GetCallStatistics", v1::GetCallStatisticsRequest());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->request_count(), 3);
  EXPECT_DOUBLE_EQ(response->error_rate(), 1.0 / 3);
  EXPECT_EQ(ToAbsl(response->average_latency()), absl::Milliseconds(20));
  EXPECT_EQ(response->cost_usd_nanos_per_request(), 1001);
  EXPECT_THAT(response->model_distribution(),
              UnorderedElementsAre(Pair("a", 1), Pair("b", 2)));
  EXPECT_THAT(response->capability_usage(),
              UnorderedElementsAre(Pair("vision", 1)));
}

TEST_F(SummaryMethodsTest, StatisticsAreOfHoursThatAreKept) {
  v1::GetCallStatisticsRequest request;
  request.set_hours(168);
  EXPECT_TRUE(
      Ask<v1::GetCallStatisticsResponse>("GetCallStatistics", request).ok());
  for (const int hours : {169, -1}) {
    request.set_hours(hours);
    EXPECT_THAT(Ask<v1::GetCallStatisticsResponse>("GetCallStatistics", request)
                    .status()
                    .message(),
                HasSubstr("hours: must be 0 to 168"));
  }
}

TEST_F(SummaryMethodsTest, RecentRequestsAreFiltered) {
  Record("a");
  Record("b", absl::StatusCode::kUnavailable);
  Record("a");
  v1::ListRecentRequestsRequest request;
  request.mutable_filter()->set_model("a");
  request.set_limit(1);
  auto response =
      Ask<v1::ListRecentRequestsResponse>("ListRecentRequests", request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->requests_size(), 1);
  EXPECT_EQ(response->matched_count(), 2);
  EXPECT_EQ(response->requests(0).request_id(), "id of a");
  EXPECT_EQ(response->requests(0).usage().cost_usd_nanos(), 1001);
  request.Clear();
  request.set_failures_only(true);
  response = Ask<v1::ListRecentRequestsResponse>("ListRecentRequests", request);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->requests_size(), 1);
  EXPECT_EQ(response->requests(0).route().model(), "b");
  request.Clear();
  *request.mutable_start_time() = ToProto(Clock().WallTime() + absl::Hours(1));
  response = Ask<v1::ListRecentRequestsResponse>("ListRecentRequests", request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->requests_size(), 0);
}

TEST_F(SummaryMethodsTest, AResetTellsWhatItForgets) {
  Record("a");
  testing::internal::CaptureStderr();
  const auto response =
      Ask<v1::ResetMetricsResponse>("ResetMetrics", v1::ResetMetricsRequest());
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("An operator has reset the metrics\",\"calls\":1,"
                        "\"operator\":\"an operator\"}"));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->forgotten().cost_usd_nanos(), 1001);
  EXPECT_TRUE(response->has_reset_time());
  const auto after = Ask<v1::GetCostSummaryResponse>(
      "GetCostSummary", v1::GetCostSummaryRequest());
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->totals().cost_usd_nanos(), 0);
  EXPECT_EQ(after->since_time().seconds(), response->reset_time().seconds());
}

TEST_F(SummaryMethodsTest, AResetThatCannotBeKeptForgetsNothing) {
  Open(folder_.Path("summary.db"));
  Record("a");
  std::filesystem::remove(folder_.Path("summary.db"));
  const auto response =
      Ask<v1::ResetMetricsResponse>("ResetMetrics", v1::ResetMetricsRequest());
  EXPECT_EQ(FaultReason(response.status()), v1::ERROR_REASON_STATE_NOT_KEPT);
  EXPECT_EQ(Ask<v1::GetCostSummaryResponse>("GetCostSummary",
                                            v1::GetCostSummaryRequest())
                ->totals()
                .cost_usd_nanos(),
            1001);
}

TEST_F(SummaryMethodsTest, MetricsAreStreamedAtAnInterval) {
  v1::StreamMetricsRequest request;
  request.mutable_interval()->set_nanos(999'999'999);
  CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
  KeepingWriter<v1::StreamMetricsResponse> writer;
  HandlerArguments arguments;
  arguments.request = &request;
  arguments.writer = &writer;
  const Method& method =
      *table_->Find("/llmgateway.v1.MetricsService/StreamMetrics");
  absl::Status status;
  ASSERT_TRUE(loop_.RunTask(
      [&]() -> Task<void> { status = co_await method.Run(call, arguments); }));
  EXPECT_THAT(status.message(), HasSubstr("interval: must be 1s to 1h"));

  // The first comes at once.
  request.mutable_interval()->set_seconds(3600);
  request.mutable_interval()->set_nanos(0);
  Event ended;
  ASSERT_TRUE(loop_.Run([&] {
    Spawn([](const Method& method, CallContext& call,
             const HandlerArguments& arguments, absl::Status& status,
             Event& ended) -> Task<void> {
      status = co_await method.Run(call, arguments);
      ended.Set();
    }(method, call, arguments, status, ended));
  }));
  size_t written = 0;
  ASSERT_TRUE(loop_.Run([&] { written = writer.written().size(); }));
  EXPECT_EQ(written, 1u);
  ASSERT_TRUE(
      loop_.Run([&] { call.cancel().Cancel(absl::CancelledError("gone")); }));
  ASSERT_TRUE(ended.Wait());
  EXPECT_TRUE(absl::IsCancelled(status));
}

TEST_F(SummaryMethodsTest, UsageIsToldOfCallsThatMatch) {
  v1::WatchUsageRequest request;
  request.mutable_filter()->set_model("b");
  CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
  KeepingWriter<v1::UsageEvent> writer;
  HandlerArguments arguments;
  arguments.request = &request;
  arguments.writer = &writer;
  const Method& method =
      *table_->Find("/llmgateway.v1.MetricsService/WatchUsage");
  absl::Status status;
  Event ended;
  ASSERT_TRUE(loop_.Run([&] {
    Spawn([](const Method& method, CallContext& call,
             const HandlerArguments& arguments, absl::Status& status,
             Event& ended) -> Task<void> {
      status = co_await method.Run(call, arguments);
      ended.Set();
    }(method, call, arguments, status, ended));
  }));
  Record("a");
  Record("b");
  size_t written = 0;
  // Work that is posted while the loop works runs one turn later.
  for (int turn = 0; turn < 3; ++turn) {
    ASSERT_TRUE(loop_.Run([&] { written = writer.written().size(); }));
  }
  ASSERT_EQ(written, 1u);
  const v1::CallUsage& usage = writer.written()[0].ended();
  EXPECT_EQ(usage.request_id(), "id of b");
  EXPECT_EQ(usage.usage().cost_usd_nanos(), 1001);
  feed_.Close();
  ASSERT_TRUE(ended.Wait());
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_DRAINING);
}

}  // namespace
}  // namespace gateway
