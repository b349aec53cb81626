#include "clients/cli/traces_request.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/traces.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using ::testing::HasSubstr;

TEST(TracesRequestTest, OnlyWhatIsMeantIsAskedFor) {
  const RpcPlace nobody = {.address = "127.0.0.1:1"};
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{}, {"drop"}, {"get"}, {"list", "x"}}) {
    EXPECT_TRUE(
        absl::IsInvalidArgument(AskTraces(nobody, {.words = wrong}).status()));
  }
  EXPECT_THAT(AskTraces(nobody, {.words = {"get", "t"}}).status().ToString(),
              HasSubstr("127.0.0.1:1"));
}

TEST(TracesRequestTest, AListHasFilters) {
  const auto all = ListTracesRequestOf({.words = {"list"}});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->page_size(), 20);
  EXPECT_FALSE(all->has_window());
  const auto request =
      ListTracesRequestOf({.words = {"list"},
                           .flags = {{"--outcome", "failed"},
                                     {"--provider", "openai"},
                                     {"--model", "gpt-x"},
                                     {"--since", "1h"},
                                     {"--min_duration", "5.5s"},
                                     {"--count", "7"}}});
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->outcome(), v1::ListTracesRequest::OUTCOME_FAILED);
  EXPECT_EQ(request->provider(), "openai");
  EXPECT_EQ(request->model(), "gpt-x");
  EXPECT_EQ(request->window().seconds(), 3600);
  EXPECT_EQ(request->min_duration().seconds(), 5);
  EXPECT_EQ(request->min_duration().nanos(), 500000000);
  EXPECT_EQ(request->page_size(), 7);
}

TEST(TracesRequestTest, AFlagThatIsWrongIsNamed) {
  const auto problem = [](const char* flag, const char* value) {
    return std::string(
        ListTracesRequestOf({.words = {"list"}, .flags = {{flag, value}}})
            .status()
            .message());
  };
  EXPECT_THAT(problem("--outcome", "ok"), HasSubstr("--outcome"));
  EXPECT_THAT(problem("--since", "soon"), HasSubstr("--since"));
  EXPECT_THAT(problem("--min_duration", "-1s"), HasSubstr("--min_duration"));
  EXPECT_THAT(problem("--count", "0"), HasSubstr("--count"));
  EXPECT_THAT(problem("--count", "1001"), HasSubstr("--count"));
}

TEST(TracesRequestTest, TracesAreLines) {
  v1::ListTracesResponse response;
  v1::TraceSummary& trace = *response.add_traces();
  trace.set_trace_id("4bf9");
  trace.mutable_start_time()->set_seconds(1767323045);
  trace.mutable_duration()->set_nanos(120500000);
  trace.set_operation("POST /v1/messages");
  trace.set_failure(v1::ERROR_REASON_PROVIDER_TIMEOUT);
  const std::string table = TracesTable(response);
  EXPECT_THAT(table, HasSubstr("4bf9"));
  EXPECT_THAT(table, HasSubstr("120.500ms"));
  EXPECT_THAT(table, HasSubstr("POST /v1/messages"));
  EXPECT_THAT(table, HasSubstr("provider_timeout"));
}

TEST(TracesRequestTest, SpansStandBelowTheirParents) {
  v1::Trace trace;
  trace.set_trace_id("4bf9");
  v1::Span& call = *trace.add_spans();
  call.set_span_id("a");
  call.set_parent_span_id("somebody-elses");
  call.set_name("POST /v1/messages");
  call.mutable_duration()->set_seconds(1);
  v1::Span& attempt = *trace.add_spans();
  attempt.set_span_id("b");
  attempt.set_parent_span_id("a");
  attempt.set_name("chat gpt-x");
  attempt.set_failed(true);
  attempt.set_failure_message("503");
  v1::SpanAttribute& tokens = *attempt.add_attributes();
  tokens.set_key("gen_ai.usage.input_tokens");
  tokens.set_integer(12);
  v1::SpanAttribute& yes = *attempt.add_attributes();
  yes.set_key("answered");
  yes.set_flag(true);
  EXPECT_EQ(TraceText(trace),
            "trace 4bf9\n"
            "  POST /v1/messages  1000.000ms\n"
            "    chat gpt-x  0.000ms  FAILED 503\n"
            "        gen_ai.usage.input_tokens=12\n"
            "        answered=true\n");
}

}  // namespace
}  // namespace gateway
