#include "service/api/traces_admin.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/async/task.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/traces.pb.h"
#include "service/api/call_context.h"
#include "service/api/method_table.h"
#include "service/pipeline/current_runtime.h"
#include "tests/service/tracing/traced_calls.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fake_random.h"
#include "tests/testing/loop_thread.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

class TracesAdminTest : public testing::Test {
 protected:
  TracesAdminTest() { admin_.AddTo(table_); }

  template <typename Response, typename Request>
  absl::StatusOr<Response> Ask(const std::string& method,
                               const Request& request,
                               MethodTable* table = nullptr) {
    if (table == nullptr) table = &table_;
    CallContext call(loop_.loop(), {.peer = "127.0.0.1:1"});
    Response response;
    absl::Status status;
    EXPECT_TRUE(loop_.RunTask([&]() -> Task<void> {
      HandlerArguments arguments;
      arguments.request = &request;
      arguments.response = &response;
      status = co_await table->Find("/llmgateway.v1.AdminService/" + method)
                   ->Run(call, arguments);
    }));
    if (!status.ok()) return status;
    return response;
  }
  absl::StatusOr<v1::ListTracesResponse> List(
      const v1::ListTracesRequest& request = {}) {
    return Ask<v1::ListTracesResponse>("ListTraces", request);
  }
  absl::StatusOr<v1::Trace> Get(const std::string& id) {
    v1::GetTraceRequest request;
    request.set_trace_id(id);
    return Ask<v1::Trace>("GetTrace", request);
  }

  // Ends now, and later than those before.
  void Record(TestCall& call, const std::string& id) {
    clock_.Advance(absl::Seconds(1));
    call.record.request_id = id;
    call.record.start_time = clock_.WallTime() - call.record.duration;
    gateway::Record(tracer_.shard(0), call, clock_.SteadyTime());
  }

  LoopThread loop_;
  CurrentRuntime runtime_{
      MakeTestRuntime("providers: [{name: a, mock: {}}]\n")};
  FakeClock clock_;
  FakeRandom random_{2};
  Tracer tracer_{
      {.store = {.traces = 100, .bytes = size_t{1} << 20}}, clock_, random_};
  TracesAdmin admin_{{.runtime = runtime_, .tracer = &tracer_}};
  MethodTable table_;
};

TEST_F(TracesAdminTest, ListsByPages) {
  for (int i = 0; i < 3; ++i) {
    TestCall call;
    Record(call, absl::StrCat("r", i));
  }
  v1::ListTracesRequest request;
  request.set_page_size(2);
  auto page = List(request);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->traces_size(), 2);
  EXPECT_EQ(page->traces(0).request_id(), "r2");
  EXPECT_EQ(page->traces(1).request_id(), "r1");
  request.set_page_token(page->next_page_token());
  page = List(request);
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->traces_size(), 1);
  EXPECT_EQ(page->traces(0).request_id(), "r0");
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(TracesAdminTest, ASummarySaysWhatTheCallWas) {
  TestCall call("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
  call.record.caller = "team-a";
  call.record.provider = "openai";
  call.record.model_served = "gpt-x-2";
  call.node = "writer";
  call.AddAttempt("openai", "gpt-x-2");
  call.Fail(absl::StatusCode::kUnavailable,
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE, "away");
  Record(call, "r");
  const auto page = List();
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->traces_size(), 1);
  const v1::TraceSummary& told = page->traces(0);
  EXPECT_EQ(told.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(told.span_id(), SpanIdText(call.trace->span()));
  EXPECT_EQ(told.operation(), "POST /v1/chat/completions");
  EXPECT_EQ(told.node(), "writer");
  EXPECT_EQ(told.caller(), "team-a");
  EXPECT_EQ(told.model(), "gpt-x");
  EXPECT_EQ(told.provider(), "openai");
  EXPECT_EQ(told.model_served(), "gpt-x-2");
  EXPECT_EQ(told.duration().nanos(), 120000000);
  EXPECT_EQ(told.failure(), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(told.span_count(), 2);
}

TEST_F(TracesAdminTest, FiltersAreChecked) {
  v1::ListTracesRequest request;
  request.mutable_window()->set_seconds(168 * 3600 + 1);
  EXPECT_THAT(std::string(List(request).status().message()),
              HasSubstr("window"));
  request.clear_window();
  request.mutable_min_duration()->set_seconds(-1);
  EXPECT_THAT(std::string(List(request).status().message()),
              HasSubstr("min_duration"));
  request.clear_min_duration();
  for (const char* token : {"x", "traces:", "traces:1", "traces:a:b"}) {
    request.set_page_token(token);
    EXPECT_THAT(std::string(List(request).status().message()),
                HasSubstr("page_token"))
        << token;
  }
  request.clear_page_token();
  request.set_page_size(-1);
  EXPECT_TRUE(absl::IsInvalidArgument(List(request).status()));
}

TEST_F(TracesAdminTest, AnOutcomeThatThereIsNotIsRefused) {
  v1::ListTracesRequest request;
  request.set_outcome(static_cast<v1::ListTracesRequest::Outcome>(5));
  EXPECT_THAT(std::string(List(request).status().message()),
              HasSubstr("outcome: is 5, which there is not; there are "
                        "OUTCOME_SUCCEEDED and OUTCOME_FAILED"));
}

TEST_F(TracesAdminTest, AnOutcomeIsAFilter) {
  TestCall good;
  Record(good, "good");
  TestCall bad;
  bad.Fail(absl::StatusCode::kInternal, v1::ERROR_REASON_INTERNAL, "x");
  Record(bad, "bad");
  v1::ListTracesRequest request;
  request.set_outcome(v1::ListTracesRequest::OUTCOME_FAILED);
  EXPECT_EQ(List(request)->traces(0).request_id(), "bad");
  EXPECT_EQ(List(request)->traces_size(), 1);
  request.set_outcome(v1::ListTracesRequest::OUTCOME_SUCCEEDED);
  EXPECT_EQ(List(request)->traces(0).request_id(), "good");
  EXPECT_EQ(List(request)->traces_size(), 1);
}

TEST_F(TracesAdminTest, ATraceIsFoundByItsIdAndByItsCalls) {
  TestCall call;
  call.usage.set_input_tokens(5);
  call.AddAttempt("openai", "gpt-x").answered = true;
  Record(call, "8c6f0000000000000000000000000000");
  const std::string id(call.trace->id_text());
  for (const std::string& asked :
       {id, std::string("8c6f0000000000000000000000000000")}) {
    const auto trace = Get(asked);
    ASSERT_TRUE(trace.ok()) << trace.status();
    EXPECT_EQ(trace->trace_id(), id);
    ASSERT_EQ(trace->spans_size(), 2);
    EXPECT_EQ(trace->spans(0).kind(), v1::Span::KIND_SERVER);
    EXPECT_EQ(trace->spans(1).kind(), v1::Span::KIND_CLIENT);
    EXPECT_EQ(trace->spans(1).parent_span_id(), trace->spans(0).span_id());
    std::vector<std::string> keys;
    bool told = false;
    for (const auto& each : trace->spans(0).attributes()) {
      keys.push_back(each.key());
      if (each.key() != "gen_ai.usage.input_tokens") continue;
      told = true;
      EXPECT_EQ(each.integer(), 5);
    }
    EXPECT_TRUE(told);
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  }
  EXPECT_TRUE(absl::IsNotFound(Get("nobody").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(Get("").status()));
}

TEST_F(TracesAdminTest, MetricsCountAllCalls) {
  TestCall good("", "", 0);  // Not kept.
  good.record.model_served = "gpt-x";
  good.capabilities = {"streaming"};
  good.usage.set_cost_known(true);
  good.usage.set_cost_usd_nanos(9);
  Record(good, "good");
  TestCall bad;
  bad.node = "writer";
  bad.Fail(absl::StatusCode::kInternal, v1::ERROR_REASON_INTERNAL, "x");
  bad.record.duration = absl::Milliseconds(80);
  Record(bad, "bad");
  v1::GetTraceMetricsRequest request;
  auto told = Ask<v1::GetTraceMetricsResponse>("GetTraceMetrics", request);
  ASSERT_TRUE(told.ok());
  EXPECT_EQ(told->window().seconds(), 24 * 3600);
  EXPECT_EQ(told->call_count(), 2);
  EXPECT_EQ(told->failed_count(), 1);
  EXPECT_EQ(told->average_duration().nanos(), 100000000);
  EXPECT_EQ(told->cost_usd_nanos(), 9);
  EXPECT_EQ(told->sampled_count(), 1);
  ASSERT_EQ(told->operations_size(), 2);
  EXPECT_EQ(told->operations(0).operation(), "POST /v1/chat/completions");
  EXPECT_EQ(told->operations(1).operation(), "llm_call_writer");
  EXPECT_EQ(told->operations(1).failed_count(), 1);
  EXPECT_EQ(told->models().at("gpt-x"), 1);
  EXPECT_EQ(told->capabilities().at("streaming"), 1);
  for (const int64_t seconds : {int64_t{299}, int64_t{24 * 3600 + 1}}) {
    request.mutable_window()->set_seconds(seconds);
    EXPECT_TRUE(absl::IsInvalidArgument(
        Ask<v1::GetTraceMetricsResponse>("GetTraceMetrics", request).status()));
  }
}

TEST_F(TracesAdminTest, WithoutTracingNothingIsThere) {
  TracesAdmin admin({.runtime = runtime_});
  MethodTable table;
  admin.AddTo(table);
  const absl::Status status =
      Ask<v1::ListTracesResponse>("ListTraces", v1::ListTracesRequest(), &table)
          .status();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_NOT_CONFIGURED);
  EXPECT_THAT(std::string(status.message()), HasSubstr("tracing: {}"));
}

}  // namespace
}  // namespace gateway
