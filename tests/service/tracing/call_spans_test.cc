#include "service/tracing/call_spans.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/tracing/span_reader.h"
#include "tests/service/tracing/traced_calls.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

std::vector<ReadSpan> SpansOf(TestCall& call,
                              const CallSpanOptions& options = {}) {
  std::string bytes;
  const int count =
      WriteCallSpans(call.traced(), options, TestCall::Chance(), &bytes);
  std::vector<ReadSpan> spans = ReadSpans(bytes);
  EXPECT_EQ(spans.size(), static_cast<size_t>(count));
  return spans;
}

TEST(CallSpansTest, ACallIsItsAttemptsParent) {
  TestCall call("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "congo=t61rcWkgMzE");
  call.usage.set_input_tokens(12);
  call.usage.set_output_tokens(34);
  call.usage.set_cached_input_tokens(5);
  call.usage.set_reasoning_tokens(6);
  call.usage.set_cost_known(true);
  call.usage.set_cost_usd_nanos(1500000000);
  call.record.provider = "openai";
  call.record.model_served = "gpt-x-2";
  call.record.caller = "team-a";
  call.record.finish_reason = v1::FINISH_REASON_STOP;
  call.record.stream = true;
  call.record.time_to_first_token = absl::Milliseconds(250);
  CallAttempt& attempt = call.AddAttempt("openai", "gpt-x-2");
  attempt.answered = true;
  attempt.kind = v1::Attempt::KIND_FIRST;
  attempt.http_status = 200;
  attempt.provider_request_id = "req_9";
  attempt.usage = &call.usage;

  const std::vector<ReadSpan> spans = SpansOf(call);
  ASSERT_EQ(spans.size(), 2u);
  const ReadSpan& whole = spans[0];
  EXPECT_EQ(TraceIdText(whole.trace), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(whole.span, call.trace->span());
  EXPECT_EQ(whole.parent, 0x00f067aa0ba902b7u);
  EXPECT_EQ(whole.flags, 0x301u);
  EXPECT_EQ(whole.state, "congo=t61rcWkgMzE");
  EXPECT_EQ(whole.kind, SpanKind::kServer);
  EXPECT_EQ(whole.name, "POST /v1/chat/completions");
  EXPECT_EQ(whole.end_time - whole.start_time, absl::Milliseconds(120));
  EXPECT_FALSE(whole.failed);
  EXPECT_EQ(AttributeOf(whole, "http.request.method"), "POST");
  EXPECT_EQ(AttributeOf(whole, "http.route"), "/v1/chat/completions");
  EXPECT_EQ(AttributeOf(whole, "http.response.status_code"), "200");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.operation.name"), "chat");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.provider.name"), "openai");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.request.model"), "gpt-x");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.response.model"), "gpt-x-2");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.request.stream"), "true");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.response.finish_reasons"), "stop");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.response.time_to_first_chunk"),
            "0.250000");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.usage.input_tokens"), "12");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.usage.output_tokens"), "34");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.usage.cache_read.input_tokens"), "5");
  EXPECT_EQ(AttributeOf(whole, "gen_ai.usage.reasoning.output_tokens"), "6");
  EXPECT_EQ(AttributeOf(whole, "llmgateway.cost_usd"), "1.500000");
  EXPECT_EQ(AttributeOf(whole, "llmgateway.request_id"), "request-1");
  EXPECT_EQ(AttributeOf(whole, "llmgateway.caller"), "team-a");
  EXPECT_EQ(AttributeOf(whole, "error.type"), "none");
  EXPECT_EQ(AttributeOf(whole, "llm.model"), "none");

  const ReadSpan& asked = spans[1];
  EXPECT_EQ(asked.trace, whole.trace);
  EXPECT_EQ(asked.parent, whole.span);
  EXPECT_EQ(asked.span, call.traced_attempts[0].span);
  EXPECT_EQ(asked.flags, 0x101u);
  EXPECT_EQ(asked.kind, SpanKind::kClient);
  EXPECT_EQ(asked.name, "chat gpt-x-2");
  EXPECT_EQ(asked.start_time - whole.start_time, absl::Milliseconds(1));
  EXPECT_EQ(AttributeOf(asked, "gen_ai.provider.name"), "openai");
  EXPECT_EQ(AttributeOf(asked, "gen_ai.request.model"), "gpt-x-2");
  EXPECT_EQ(AttributeOf(asked, "gen_ai.usage.output_tokens"), "34");
  EXPECT_EQ(AttributeOf(asked, "llmgateway.attempt.kind"), "first");
  EXPECT_EQ(AttributeOf(asked, "llmgateway.attempt.answered"), "true");
  EXPECT_EQ(AttributeOf(asked, "llmgateway.provider_request_id"), "req_9");
}

TEST(CallSpansTest, EachAttemptHasItsOwnSpanWhateverCameOfIt) {
  TestCall call;
  call.record.provider = "other";
  CallAttempt& failed = call.AddAttempt("openai", "gpt-x");
  failed.kind = v1::Attempt::KIND_FIRST;
  failed.error_reason = v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  failed.error_message = "openai: 503";
  failed.http_status = 503;
  CallAttempt& loser = call.AddAttempt("openai", "gpt-x");
  loser.kind = v1::Attempt::KIND_HEDGE;
  loser.error_reason = v1::ERROR_REASON_CANCELLED;
  CallAttempt& winner = call.AddAttempt("gemini", "g-2");
  winner.kind = v1::Attempt::KIND_FALLBACK;
  winner.cause = v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  winner.answered = true;

  const std::vector<ReadSpan> spans = SpansOf(call);
  ASSERT_EQ(spans.size(), 4u);
  EXPECT_FALSE(spans[0].failed);
  EXPECT_EQ(AttributeOf(spans[0], "gen_ai.provider.name"), "gcp.gemini");
  EXPECT_EQ(AttributeOf(spans[0], "llmgateway.attempts"), "3");
  EXPECT_TRUE(spans[1].failed);
  EXPECT_EQ(spans[1].failure_message, "openai: 503");
  EXPECT_EQ(AttributeOf(spans[1], "error.type"), "PROVIDER_UNAVAILABLE");
  EXPECT_EQ(AttributeOf(spans[1], "http.response.status_code"), "503");
  EXPECT_TRUE(spans[2].failed);
  EXPECT_EQ(AttributeOf(spans[2], "llmgateway.attempt.kind"), "hedge");
  EXPECT_FALSE(spans[3].failed);
  EXPECT_EQ(AttributeOf(spans[3], "llmgateway.attempt.cause"),
            "PROVIDER_UNAVAILABLE");
  EXPECT_NE(spans[1].span, spans[2].span);
  EXPECT_NE(spans[2].span, spans[3].span);
}

TEST(CallSpansTest, PartsOfACallAreItsChildren) {
  TestCall call;
  call.record.cache = "miss";
  call.trace->queue = {absl::Hours(1) + absl::Milliseconds(2),
                       absl::Hours(1) + absl::Milliseconds(12)};
  call.trace->cache = {absl::Hours(1) + absl::Milliseconds(12),
                       absl::Hours(1) + absl::Milliseconds(13)};
  const std::vector<ReadSpan> spans = SpansOf(call);
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_EQ(spans[1].name, "queue");
  EXPECT_EQ(spans[1].kind, SpanKind::kInternal);
  EXPECT_EQ(spans[1].parent, spans[0].span);
  EXPECT_EQ(spans[1].start_time - spans[0].start_time, absl::Milliseconds(2));
  EXPECT_EQ(spans[1].end_time - spans[1].start_time, absl::Milliseconds(10));
  EXPECT_EQ(spans[2].name, "cache lookup");
  EXPECT_EQ(AttributeOf(spans[2], "llmgateway.cache"), "miss");
  EXPECT_NE(spans[1].span, spans[2].span);
}

TEST(CallSpansTest, WaitsForTheLedgerAreSpans) {
  TestCall call;
  const absl::Duration arrival = absl::Hours(1);
  call.trace->budgets = {arrival, arrival + absl::Milliseconds(1)};
  call.trace->commits.push_back({.part = {arrival + absl::Milliseconds(2),
                                          arrival + absl::Milliseconds(5)},
                                 .event_type = "DISPATCH",
                                 .entries = 1});
  call.trace->commits.push_back({.part = {arrival + absl::Milliseconds(80),
                                          arrival + absl::Milliseconds(90)},
                                 .event_type = "EXCHANGE",
                                 .entries = 2,
                                 .status = absl::StatusCode::kUnavailable});
  call.AddAttempt("openai", "gpt-x");
  call.traced_attempts[0].dispatch_entry_id = "LED-1";
  call.traced_attempts[0].exchange_entry_id = "LED-2";
  call.ledger_system = "postgresql";
  const std::vector<ReadSpan> spans = SpansOf(call);
  ASSERT_EQ(spans.size(), 5u);
  EXPECT_EQ(spans[1].name, "budget check");
  EXPECT_EQ(spans[1].end_time - spans[1].start_time, absl::Milliseconds(1));
  const ReadSpan& dispatch = spans[2];
  EXPECT_EQ(dispatch.name, "ledger commit");
  EXPECT_EQ(dispatch.kind, SpanKind::kInternal);
  EXPECT_EQ(dispatch.parent, spans[0].span);
  EXPECT_EQ(dispatch.start_time - spans[0].start_time, absl::Milliseconds(2));
  EXPECT_EQ(dispatch.end_time - dispatch.start_time, absl::Milliseconds(3));
  EXPECT_FALSE(dispatch.failed);
  EXPECT_EQ(AttributeOf(dispatch, "db.system.name"), "postgresql");
  EXPECT_EQ(AttributeOf(dispatch, "db.operation.name"), "commit");
  EXPECT_EQ(AttributeOf(dispatch, "llmgateway.ledger.event_type"), "DISPATCH");
  EXPECT_EQ(AttributeOf(dispatch, "llmgateway.ledger.entries"), "1");
  EXPECT_EQ(AttributeOf(dispatch, "error.type"), "none");
  EXPECT_TRUE(spans[3].failed);
  EXPECT_EQ(AttributeOf(spans[3], "error.type"), "UNAVAILABLE");
  EXPECT_EQ(AttributeOf(spans[3], "llmgateway.ledger.entries"), "2");
  EXPECT_EQ(AttributeOf(spans[4], "llmgateway.dispatch_entry_id"), "LED-1");
  EXPECT_EQ(AttributeOf(spans[4], "llmgateway.exchange_entry_id"), "LED-2");
}

TEST(CallSpansTest, AFailedCallSaysWhy) {
  TestCall call;
  call.record.protocol = Protocol::kGrpc;
  call.record.operation = "llmgateway.v1.GatewayService/Generate";
  call.record.http_status = 0;
  call.Fail(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_RATE_LIMITED,
            "too many");
  const std::vector<ReadSpan> spans = SpansOf(call);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_TRUE(spans[0].failed);
  EXPECT_EQ(spans[0].failure_message, "too many");
  EXPECT_EQ(AttributeOf(spans[0], "error.type"), "RATE_LIMITED");
  EXPECT_EQ(AttributeOf(spans[0], "rpc.system.name"), "grpc");
  EXPECT_EQ(AttributeOf(spans[0], "rpc.method"),
            "llmgateway.v1.GatewayService/Generate");
  EXPECT_EQ(AttributeOf(spans[0], "rpc.status_code"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(AttributeOf(spans[0], "http.route"), "none");
}

TEST(CallSpansTest, AnEarlierSystemsNamesAreThereIfWanted) {
  TestCall call;
  call.record.provider = "anthropic";
  call.record.model_served = "claude";
  call.usage.set_input_tokens(10);
  call.usage.set_output_tokens(20);
  call.usage.set_cost_known(true);
  call.usage.set_cost_usd_nanos(250000000);
  const std::vector<ReadSpan> spans = SpansOf(call, {.llm_attributes = true});
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(AttributeOf(spans[0], "llm.model"), "claude");
  EXPECT_EQ(AttributeOf(spans[0], "llm.provider"), "anthropic");
  EXPECT_EQ(AttributeOf(spans[0], "llm.input_tokens"), "10");
  EXPECT_EQ(AttributeOf(spans[0], "llm.output_tokens"), "20");
  EXPECT_EQ(AttributeOf(spans[0], "llm.total_tokens"), "30");
  EXPECT_EQ(AttributeOf(spans[0], "llm.cost_usd"), "0.250000");
  EXPECT_EQ(AttributeOf(spans[0], "llm.latency_ms"), "120.000000");
}

TEST(CallSpansTest, OperationsHaveTheConventionsNames) {
  EXPECT_EQ(GenAiOperationOf("POST /v1/chat/completions"), "chat");
  EXPECT_EQ(GenAiOperationOf("POST /v1/messages"), "chat");
  EXPECT_EQ(GenAiOperationOf("POST /v1/responses"), "chat");
  EXPECT_EQ(GenAiOperationOf("llmgateway.v1.GatewayService/Generate"), "chat");
  EXPECT_EQ(GenAiOperationOf("llmgateway.v1.GatewayService/Embed"),
            "embeddings");
  EXPECT_EQ(GenAiOperationOf("POST /v1/embeddings"), "embeddings");
  EXPECT_EQ(GenAiOperationOf("POST /v1beta/models/{model}:generateContent"),
            "generate_content");
  EXPECT_EQ(
      GenAiOperationOf("POST /v1beta/models/{model}:streamGenerateContent"),
      "generate_content");
  EXPECT_EQ(GenAiOperationOf("POST /v1/messages/count_tokens"), "count_tokens");
  EXPECT_EQ(GenAiOperationOf("POST /v1beta/models/{model}:countTokens"),
            "count_tokens");
  EXPECT_EQ(GenAiOperationOf("POST /v1/responses/input_tokens"),
            "count_tokens");
  EXPECT_EQ(GenAiOperationOf("llmgateway.v1.GatewayService/CountTokens"),
            "count_tokens");
  EXPECT_EQ(GenAiOperationOf("GET /v1/responses/{id}"), "retrieve");
}

TEST(CallSpansTest, ProvidersHaveTheConventionsNames) {
  EXPECT_EQ(GenAiProviderOf("openai"), "openai");
  EXPECT_EQ(GenAiProviderOf("anthropic"), "anthropic");
  EXPECT_EQ(GenAiProviderOf("gemini"), "gcp.gemini");
  EXPECT_EQ(GenAiProviderOf("azure_openai"), "azure.ai.openai");
  EXPECT_EQ(GenAiProviderOf("mistral"), "mistral_ai");
  EXPECT_EQ(GenAiProviderOf("xai"), "x_ai");
  EXPECT_EQ(GenAiProviderOf("groq"), "groq");
  EXPECT_EQ(GenAiProviderOf("our-own"), "our-own");
}

}  // namespace
}  // namespace gateway
