#include "service/http/trace_answers.h"

#include <string>

#include "absl/time/time.h"
#include "base/text/json_writer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/traces.pb.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

class TraceAnswersTest : public testing::Test {
 protected:
  template <typename Request, typename Response>
  std::string Written(absl::Status (*write)(const AdminAsked&, const Request&,
                                            const Response&, JsonWriter&),
                      const Request& request, const Response& response) {
    const auto runtime = MakeTestRuntime("providers: [{name: a, mock: {}}]\n");
    const AdminAsked asked = {.runtime = *runtime,
                              .operator_name = "on-call",
                              .now = absl::FromUnixSeconds(1767323045)};
    std::string text;
    JsonWriter json(&text);
    json.StartObject();
    EXPECT_TRUE(write(asked, request, response, json).ok());
    json.EndObject();
    return text;
  }
};

TEST_F(TraceAnswersTest, CallsAreSpansOfTheirNodes) {
  v1::ListTracesRequest request;
  request.set_page_size(50);
  request.mutable_window()->set_seconds(7200);
  v1::ListTracesResponse response;
  v1::TraceSummary& good = *response.add_traces();
  good.set_trace_id("4bf9");
  good.set_span_id("00f0");
  good.set_request_id("r-1");
  good.set_operation("POST /v1/messages");
  good.set_node("writer");
  good.set_model("fast");
  good.set_provider("openai");
  good.set_model_served("gpt-x");
  good.mutable_start_time()->set_seconds(1767323040);
  good.mutable_duration()->set_nanos(250000000);
  good.set_span_count(2);
  v1::TraceSummary& bad = *response.add_traces();
  bad.set_operation("POST /v1/messages");
  bad.set_failure(v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(Written(&WriteTraceList, request, response),
            R"({"traces":[{"trace_id":"4bf9","span_id":"00f0",)"
            R"("operation":"llm_call_writer",)"
            R"("start_time":"2026-01-02T03:04:00.000Z",)"
            R"("end_time":"2026-01-02T03:04:00.250Z","duration_ms":250,)"
            R"("status":"completed","metadata":{"request_id":"r-1",)"
            R"("node_name":"writer","model":"fast","provider":"openai",)"
            R"("model_used":"gpt-x","spans":2}},)"
            R"({"trace_id":"","span_id":"","operation":"POST /v1/messages",)"
            R"("start_time":"1970-01-01T00:00:00.000Z",)"
            R"("end_time":"1970-01-01T00:00:00.000Z","duration_ms":0,)"
            R"("status":"error","metadata":{"request_id":"",)"
            R"("error":"PROVIDER_TIMEOUT","spans":0}}],)"
            R"("count":2,"limit":50,"time_range_hours":2,)"
            R"("timestamp":"2026-01-02T03:04:05.000Z"})");
}

TEST_F(TraceAnswersTest, SpansHaveTheirAttributes) {
  v1::Trace trace;
  trace.set_trace_id("4bf9");
  v1::Span& span = *trace.add_spans();
  span.set_span_id("a");
  span.set_name("chat gpt-x");
  span.set_failed(true);
  span.set_failure_message("503");
  v1::SpanAttribute* attribute = span.add_attributes();
  attribute->set_key("text");
  attribute->set_text("t");
  attribute = span.add_attributes();
  attribute->set_key("integer");
  attribute->set_integer(3);
  attribute = span.add_attributes();
  attribute->set_key("number");
  attribute->set_number(0.5);
  attribute = span.add_attributes();
  attribute->set_key("flag");
  attribute->set_flag(true);
  v1::Span& child = *trace.add_spans();
  child.set_parent_span_id("a");
  const std::string text = Written(&WriteTrace, v1::GetTraceRequest(), trace);
  EXPECT_THAT(text, HasSubstr(R"("trace_id":"4bf9","span_id":"a",)"
                              R"("parent_span_id":null,)"
                              R"("operation":"chat gpt-x",)"));
  EXPECT_THAT(text, HasSubstr(R"("status":"error","error":"503",)"
                              R"("metadata":{"text":"t","integer":3,)"
                              R"("number":0.5,"flag":true}})"));
  EXPECT_THAT(text, HasSubstr(R"("parent_span_id":"a")"));
}

TEST_F(TraceAnswersTest, MetricsHaveBothSystemsNames) {
  v1::GetTraceMetricsResponse response;
  response.mutable_window()->set_seconds(3600);
  response.set_call_count(4);
  response.set_failed_count(1);
  response.mutable_average_duration()->set_nanos(120000000);
  response.set_cost_usd_nanos(2000000000);
  v1::TraceOperation& operation = *response.add_operations();
  operation.set_operation("llm_call_writer");
  operation.set_call_count(4);
  operation.set_failed_count(1);
  operation.mutable_average_duration()->set_nanos(120000000);
  (*response.mutable_models())["b"] = 1;
  (*response.mutable_models())["a"] = 3;
  (*response.mutable_capabilities())["streaming"] = 2;
  EXPECT_EQ(
      Written(&WriteTraceMetrics, v1::GetTraceMetricsRequest(), response),
      R"({"total_traces":4,"successful_traces":3,"error_rate":0.25,)"
      R"("avg_duration_ms":120,"operations":{"llm_call_writer":{"count":4,)"
      R"("avg_duration":120,"errors":1}},"time_range_hours":1,)"
      R"("request_count":4,"avg_latency":120,"cost_per_request":0.5,)"
      R"("model_distribution":{"a":3,"b":1},)"
      R"("capability_usage":{"streaming":2},)"
      R"("timestamp":"2026-01-02T03:04:05.000Z"})");
  EXPECT_THAT(Written(&WriteTraceMetrics, v1::GetTraceMetricsRequest(),
                      v1::GetTraceMetricsResponse()),
              HasSubstr(R"("error_rate":0,)"));
}

}  // namespace
}  // namespace gateway
