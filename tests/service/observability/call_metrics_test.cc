#include "service/observability/call_metrics.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"
#include "service/observability/metrics.h"
#include "service/observability/metrics_text.h"
#include "tests/service/observability/attempt_pointers.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

CallRecord Answered() {
  CallRecord record;
  record.protocol = Protocol::kHttp;
  record.operation = "POST /v1/chat/completions";
  record.duration = absl::Milliseconds(1500);
  record.provider = "openai";
  record.model_served = "gpt-5-mini";
  static const auto& usage = *[] {
    auto* usage = new llmgateway::v1::Usage;
    usage->set_input_tokens(12);
    usage->set_output_tokens(34);
    usage->set_cached_input_tokens(5);
    usage->set_reasoning_tokens(6);
    return usage;
  }();
  record.usage = &usage;
  record.request_bytes = 321;
  record.response_bytes = 654;
  return record;
}

class CallMetricsTest : public testing::Test {
 protected:
  // What Prometheus would read.
  std::string Text() { return MetricsText(registry_.Read()); }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  CallMetrics metrics_{registry_, {.model_labels_limit = 4,
                                   .caller_labels_limit = 2}};
  CallMetricsShard& shard_ = metrics_.AddShard();
};

TEST_F(CallMetricsTest, AnAnsweredCallIsCountedUnderTheDocumentedNames) {
  CallRecord record = Answered();
  record.time_to_first_token = absl::Milliseconds(70);
  record.overhead = absl::Microseconds(30);
  shard_.Count(record);
  const std::string text = Text();
  for (const std::string_view line :
       {R"(llm_request_total{provider="openai",model="gpt-5-mini",)"
        R"(protocol="http",status="OK"} 1)",
        R"(llm_request_duration_seconds_sum{provider="openai",)"
        R"(model="gpt-5-mini",stream="false"} 1.5)",
        R"(llm_request_duration_seconds_bucket{provider="openai",)"
        R"(model="gpt-5-mini",stream="false",le="1"} 0)",
        R"(llm_request_duration_seconds_bucket{provider="openai",)"
        R"(model="gpt-5-mini",stream="false",le="2.5"} 1)",
        R"(llm_tokens_total{provider="openai",model="gpt-5-mini",)"
        R"(type="input"} 12)",
        R"(llm_tokens_total{provider="openai",model="gpt-5-mini",)"
        R"(type="output"} 34)",
        R"(llmgw_cached_input_tokens_total{provider="openai",)"
        R"(model="gpt-5-mini"} 5)",
        R"(llmgw_reasoning_tokens_total{provider="openai",)"
        R"(model="gpt-5-mini"} 6)",
        R"(llmgw_time_to_first_token_seconds_bucket{provider="openai",)"
        R"(model="gpt-5-mini",le="0.08"} 1)",
        R"(llmgw_overhead_seconds_count{protocol="http"} 1)",
        R"(llmgw_received_bytes_total{protocol="http"} 321)",
        R"(llmgw_sent_bytes_total{protocol="http"} 654)"}) {
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  }
  EXPECT_THAT(text, Not(HasSubstr("llm_errors_total")));
  EXPECT_THAT(text, Not(HasSubstr("retry_attempts_total")));
}

TEST_F(CallMetricsTest, WhatWasKeptIsCountedAndConsumesNothing) {
  CallRecord record = Answered();
  shard_.Count(record);
  EXPECT_THAT(Text(), Not(HasSubstr("llmgw_cache_total{")));
  record.cache = "miss";
  shard_.Count(record);
  record.cache = "hit";
  record.cache_age = absl::Seconds(3);
  record.answer_of = "call_1";
  shard_.Count(record);
  shard_.Count(record);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("llmgw_cache_total{result=\"miss\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_cache_total{result=\"hit\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("llm_tokens_total{provider=\"openai\",model=\""
                              "gpt-5-mini\",type=\"input\"} 24\n"));
}

TEST_F(CallMetricsTest, CallsOfAllShardsAreSummed) {
  CallMetricsShard& other = metrics_.AddShard();
  shard_.Count(Answered());
  other.Count(Answered());
  other.Count(Answered());
  EXPECT_THAT(Text(), HasSubstr(R"(status="OK"} 3)"));
}

TEST_F(CallMetricsTest, AStreamIsToldFromAWholeAnswer) {
  CallRecord record = Answered();
  shard_.Count(record);
  record.stream = true;
  shard_.Count(record);
  EXPECT_THAT(Text(), HasSubstr(R"(llm_request_duration_seconds_count{)"
                                R"(provider="openai",model="gpt-5-mini",)"
                                R"(stream="true"} 1)"));
}

TEST_F(CallMetricsTest, AFailureIsCountedByItsReason) {
  CallRecord record;
  record.status_code = absl::StatusCode::kUnauthenticated;
  record.error_reason = llmgateway::v1::ERROR_REASON_API_KEY_INVALID;
  shard_.Count(record);
  const std::string text = Text();
  EXPECT_THAT(
      text,
      HasSubstr(
          R"(llm_errors_total{provider="none",type="API_KEY_INVALID"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(model="none",protocol="grpc",)"
                              R"(status="UNAUTHENTICATED"} 1)"));
  EXPECT_THAT(text, Not(HasSubstr("llm_tokens_total")));
}

TEST_F(CallMetricsTest, WhatReplacesAConnectionThatWasGivenUpIsNoRetry) {
  using llmgateway::v1::Attempt;
  const CallAttempt attempts[4] = {{.kind = Attempt::KIND_FIRST},
                                   {.kind = Attempt::KIND_RECONNECT},
                                   {.kind = Attempt::KIND_RETRY},
                                   {.kind = Attempt::KIND_RETRY}};
  CallRecord record = Answered();
  const std::vector<const CallAttempt*> pointers = PointersTo(attempts);
  record.attempts = absl::MakeConstSpan(pointers).first(2);
  shard_.Count(record);
  EXPECT_THAT(Text(), Not(HasSubstr("retry_attempts_total")));
  record.attempts = pointers;
  shard_.Count(record);
  EXPECT_THAT(Text(), HasSubstr(R"(retry_attempts_total{provider="openai",)"
                                R"(operation="POST /v1/chat/completions"} 2)"));
}

TEST_F(CallMetricsTest, ACallerIsCountedByNameAndManyAreBounded) {
  CallRecord record = Answered();
  shard_.Count(record);
  for (const std::string_view caller : {"a", "b", "c", "a"}) {
    record.caller = caller;
    shard_.Count(record);
  }
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr(R"(llmgw_caller_requests_total{caller="none",)"
                              R"(provider="openai",status="OK"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(llmgw_caller_requests_total{caller="a",)"
                              R"(provider="openai",status="OK"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(llmgw_caller_tokens_total{caller="a",)"
                              R"(provider="openai",type="output"} 68)"));
  // Two have room.
  EXPECT_THAT(text, Not(HasSubstr(R"(caller="c")")));
  EXPECT_THAT(text, HasSubstr(R"(llmgw_caller_tokens_total{caller="other",)"
                              R"(provider="openai",type="input"} 12)"));
}

TEST_F(CallMetricsTest, EachAttemptIsCountedByHowItWent) {
  const CallAttempt attempts[] = {
      {.provider = "openai", .replaced = true},
      {.provider = "openai",
       .duration = absl::Seconds(3),
       .error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
       .http_status = 503},
      {.provider = "openai",
       .error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
      {.provider = "openai",
       .duration = absl::Seconds(1.5),
       .http_status = 200,
       .first_byte = absl::Milliseconds(300)}};
  CallRecord record = Answered();
  const std::vector<const CallAttempt*> pointers = PointersTo(attempts);
  record.attempts = pointers;
  shard_.Count(record);
  shard_.Count(record);
  const std::string text = Text();
  for (const std::string_view line :
       {R"(llmgw_attempts_total{provider="openai",)"
        R"(outcome="PROVIDER_UNAVAILABLE",upstream_status="503"} 2)",
        R"(llmgw_attempts_total{provider="openai",)"
        R"(outcome="PROVIDER_UNAVAILABLE",upstream_status="none"} 2)",
        R"(llmgw_attempts_total{provider="openai",outcome="OK",)"
        R"(upstream_status="200"} 2)",
        R"(llmgw_attempt_duration_seconds_count{provider="openai"} 6)",
        R"(llmgw_attempt_duration_seconds_sum{provider="openai"} 9)",
        R"(llmgw_attempt_first_byte_seconds_count{provider="openai"} 2)"}) {
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
  }
}

TEST_F(CallMetricsTest, NamesBeyondTheLimitAreCountedAsOther) {
  CallMetricsShard& second = metrics_.AddShard();
  CallRecord record = Answered();
  for (int i = 0; i < 100; ++i) {
    // openai and three models have room.
    const std::string model = "m" + std::to_string(i);
    record.model_served = model;
    shard_.Count(record);
    second.Count(record);
  }
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr(R"(model="m2",protocol="http",status="OK"} 2)"));
  EXPECT_THAT(text, Not(HasSubstr(R"(model="m3")")));
  EXPECT_THAT(text,
              HasSubstr(R"(model="other",protocol="http",status="OK"} 194)"));
}

TEST_F(CallMetricsTest, NamesBeyondTheLimitAreAskedForOnceInEachShard) {
  CallMetricsShard& second = metrics_.AddShard();
  CallRecord record = Answered();
  for (const std::string_view model : {"m0", "m1", "m2"}) {
    record.model_served = model;
    shard_.Count(record);
  }
  EXPECT_EQ(shard_.names_asked_for(), 4u);  // And openai.
  record.provider = "m0";
  for (int i = 0; i < 10; ++i) {
    const std::string model = "unknown" + std::to_string(i);
    record.model_served = model;
    shard_.Count(record);
    second.Count(record);
  }
  EXPECT_EQ(shard_.names_asked_for(), 5u);
  EXPECT_EQ(second.names_asked_for(), 2u);  // And m0.

  // Names that only the first shard has used keep their labels in the second.
  record.provider = "openai";
  record.model_served = "m2";
  second.Count(record);
  EXPECT_EQ(second.names_asked_for(), 2u);
  EXPECT_THAT(Text(), HasSubstr(R"({provider="openai",model="m2",)"
                                R"(protocol="http",status="OK"} 2)"));
}

TEST_F(CallMetricsTest, ANameThatNobodyAnswersToHasNoLabel) {
  CallRecord record = Answered();
  record.model_served = "made-up";
  record.model_known = false;
  record.status_code = absl::StatusCode::kNotFound;
  shard_.Count(record);
  EXPECT_THAT(Text(), Not(HasSubstr("made-up")));
  EXPECT_THAT(Text(), HasSubstr(R"(model="other",protocol="http",)"
                                R"(status="NOT_FOUND"} 1)"));
  EXPECT_EQ(shard_.names_asked_for(), 1u);  // Openai's alone.
  record.status_code = absl::StatusCode::kOk;
  shard_.Count(record);
  EXPECT_THAT(Text(), HasSubstr(R"(model="made-up",protocol="http",)"
                                R"(status="OK"} 1)"));
  // One that the configuration names has one even if it fails.
  record.model_served = "configured";
  record.model_known = true;
  record.status_code = absl::StatusCode::kUnavailable;
  shard_.Count(record);
  EXPECT_THAT(Text(), HasSubstr(R"(model="configured")"));
}

TEST_F(CallMetricsTest, ALongNameHasNoLabelOfItsOwn) {
  CallRecord record = Answered();
  const std::string model(1000, 'm');
  record.model_served = model;
  shard_.Count(record);
  EXPECT_THAT(Text(), HasSubstr(R"(model="other",protocol="http")"));
}

TEST_F(CallMetricsTest, NonsenseFromAProviderDoesNotTurnCountersBack) {
  CallRecord record = Answered();
  shard_.Count(record);
  llmgateway::v1::Usage usage;
  usage.set_input_tokens(-100);
  record.usage = &usage;
  shard_.Count(record);
  EXPECT_THAT(Text(), HasSubstr(R"(type="input"} 12)"));
}

TEST_F(CallMetricsTest, ACallIsInFlightWhileItLives) {
  {
    const InflightCall first = shard_.StartCall(Protocol::kGrpc);
    std::optional<InflightCall> second = shard_.StartCall(Protocol::kGrpc);
    InflightCall moved = std::move(*second);
    second.reset();
    EXPECT_THAT(Text(),
                HasSubstr(R"(llmgw_inflight_requests{protocol="grpc"} 2)"));
    EXPECT_THAT(Text(),
                HasSubstr(R"(llmgw_inflight_requests{protocol="http"} 0)"));
  }
  EXPECT_THAT(Text(),
              HasSubstr(R"(llmgw_inflight_requests{protocol="grpc"} 0)"));
}

TEST_F(CallMetricsTest, RoutesAreCountedByTheirKind) {
  CallRecord record = Answered();
  for (const char* reason : {"model_rule:gpt-", "model_rule:claude-",
                             "model_rules", "default", "", "model_rule:gpt-"}) {
    record.route_reason = reason;
    shard_.Count(record);
  }
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("llmgw_routes_total{reason=\"model_rule\"} 3\n"));
  EXPECT_THAT(text,
              HasSubstr("llmgw_routes_total{reason=\"model_rules\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_routes_total{reason=\"default\"} 1\n"));
}

TEST_F(CallMetricsTest, AFallbackIsCountedWhereItWentAndWhy) {
  CallRecord record = Answered();
  CallAttempt first;
  first.provider = "openai";
  first.error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  CallAttempt second;
  second.provider = "azure";
  second.kind = llmgateway::v1::Attempt::KIND_FALLBACK;
  const CallAttempt* const both[] = {&first, &second};
  record.attempts = both;
  shard_.Count(record);
  const CallAttempt* const alone[] = {&second};
  record.attempts = alone;
  shard_.Count(record);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("llmgw_fallbacks_total{provider=\"azure\","
                              "reason=\"PROVIDER_UNAVAILABLE\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("llmgw_fallbacks_total{provider=\"azure\","
                              "reason=\"not_asked\"} 1\n"));
}

TEST_F(CallMetricsTest, OnlyWhatIsServedCountsAsAnsweredOrFailed) {
  const auto served = [this](std::string_view provider,
                             std::string_view outcome) {
    const std::string line = "llmgw_served_calls_total{provider=\"" +
                             std::string(provider) + "\",outcome=\"" +
                             std::string(outcome) + "\"} ";
    const std::string text = Text();
    const size_t at = text.find(line);
    return at == std::string::npos
               ? 0
               : std::stoi(text.substr(at + line.size()));
  };
  CallAttempt attempt;
  attempt.provider = "openai";
  const CallAttempt* const attempts[] = {&attempt};
  CallRecord record = Answered();
  record.answer_of = "call_1";
  shard_.Count(record);
  EXPECT_THAT(Text(), Not(HasSubstr("llmgw_served_calls_total{")));
  record.answer_of = "";
  record.attempts = attempts;
  shard_.Count(record);
  record.model_served = "gpt-5";
  shard_.Count(record);
  EXPECT_EQ(served("openai", "answered"), 2);
  record.status_code = absl::StatusCode::kUnavailable;
  record.error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  shard_.Count(record);
  record.status_code = absl::StatusCode::kDeadlineExceeded;
  record.error_reason = llmgateway::v1::ERROR_REASON_DEADLINE_EXCEEDED;
  shard_.Count(record);
  EXPECT_EQ(served("openai", "answered"), 2);
  EXPECT_EQ(served("openai", "provider_failed"), 1);
  record = CallRecord();
  record.status_code = absl::StatusCode::kUnavailable;
  record.error_reason = llmgateway::v1::ERROR_REASON_LEDGER_UNAVAILABLE;
  shard_.Count(record);
  EXPECT_EQ(served("none", "gateway_failed"), 1);
}

TEST_F(CallMetricsTest, WhoIsAtFaultIsCountedOfEachFailedCall) {
  CallRecord record = Answered();
  shard_.Count(record);
  EXPECT_THAT(Text(), Not(HasSubstr("llmgw_failed_calls_total")));
  record.status_code = absl::StatusCode::kUnavailable;
  record.error_reason = llmgateway::v1::ERROR_REASON_MODEL_DISABLED;
  shard_.Count(record);
  record.error_reason = llmgateway::v1::ERROR_REASON_PROVIDER_AUTH_FAILED;
  shard_.Count(record);
  CallAttempt own;
  own.provider = "openai";
  own.credential = "caller";
  const CallAttempt* const attempts[] = {&own};
  record.attempts = attempts;
  shard_.Count(record);
  const std::string text = Text();
  for (const char* party : {"policy", "gateway", "caller"}) {
    EXPECT_THAT(text, HasSubstr("llmgw_failed_calls_total{at_fault=\"" +
                                std::string(party) + "\"} 1\n"));
  }
}

}  // namespace
}  // namespace gateway
