#include "service/observability/compatible_metrics.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/observability/metrics_text.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kTypeLabels[] = {"provider", "model", "type"};
constexpr MetricDefinition kTokenCounts = {.name = "llm_tokens_total",
                                           .help = "Tokens.",
                                           .kind = MetricKind::kCounter,
                                           .label_names = kTypeLabels};
constexpr std::string_view kOutcomeLabels[] = {"provider", "outcome"};
constexpr MetricDefinition kAttemptCounts = {.name = "llmgw_attempts_total",
                                             .help = "Attempts.",
                                             .kind = MetricKind::kCounter,
                                             .label_names = kOutcomeLabels};
constexpr std::string_view kCircuitLabels[] = {"provider", "model"};
constexpr MetricDefinition kCircuit = {.name = "circuit_breaker_state",
                                       .help = "Circuits.",
                                       .kind = MetricKind::kGauge,
                                       .label_names = kCircuitLabels};

class CompatibleMetricsTest : public testing::Test {
 protected:
  std::string Text() { return MetricsText(registry_.Read()); }

  FakeClock clock_;
  MetricRegistry registry_{clock_};
  MetricShard& shard_ = registry_.AddShard();
  CompatibleMetricsShard compatible_{shard_};
};

TEST_F(CompatibleMetricsTest, CallsAreCountedByPathAndStatus) {
  CallRecord record;
  record.method = "POST";
  record.operation = "POST /v1/messages";
  record.http_status = 200;
  record.duration = absl::Milliseconds(20);
  compatible_.Count(record, "anthropic", "m");
  record.operation = "llmgateway.v1.GatewayService/Generate";
  record.http_status = 0;
  record.status_code = absl::StatusCode::kUnavailable;
  compatible_.Count(record, "anthropic", "m");
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("llm_gateway_requests_total{method=\"POST\","
                              "path=\"/v1/messages\",status=\"200\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("llm_gateway_requests_total{method=\"POST\",path=\"/"
                        "llmgateway.v1.GatewayService/Generate\","
                        "status=\"503\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("llm_gateway_request_duration_seconds_bucket{method="
                        "\"POST\",path=\"/v1/messages\",le=\"0.025\"} 1\n"));
}

TEST_F(CompatibleMetricsTest, CostsAreObservedWhereThereIsAPrice) {
  llmgateway::v1::Usage usage;
  CallRecord record;
  record.usage = &usage;
  compatible_.Count(record, "p", "m");
  EXPECT_THAT(Text(), Not(HasSubstr("llm_gateway_request_cost_dollars")));
  // Charged, though it is not known.
  usage.set_cost_usd_nanos(20'000'000);
  compatible_.Count(record, "p", "m");
  // Nothing is consumed again.
  record.answer_of = "another";
  compatible_.Count(record, "p", "m");
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("llm_gateway_request_cost_dollars_bucket{"
                              "provider=\"p\",model=\"m\",le=\"0.01\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("llm_gateway_request_cost_dollars_bucket{"
                              "provider=\"p\",model=\"m\",le=\"0.05\"} 1\n"));
}

TEST_F(CompatibleMetricsTest, FallbacksAreAChain) {
  CallAttempt first;
  first.provider = "a";
  CallAttempt second;
  second.provider = "b";
  second.kind = llmgateway::v1::Attempt::KIND_FALLBACK;
  second.answered = true;
  const CallAttempt* const attempts[] = {&first, &second};
  CallRecord record;
  record.operation = "POST /v1/messages";
  record.attempts = attempts;
  compatible_.Count(record, "b", "m");
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("llm_gateway_fallback_chain_attempts_total{chain_"
                              "name=\"default\",backend_name=\"b\",operation="
                              "\"POST /v1/messages\"} 1\n"));
  EXPECT_THAT(text,
              HasSubstr("llm_gateway_fallback_chain_successes_total{chain_name="
                        "\"default\",backend_name=\"b\"} 1\n"));
  EXPECT_THAT(text, Not(HasSubstr("backend_name=\"a\"")));
  EXPECT_THAT(text, HasSubstr("llm_gateway_provider_latency_seconds_count{"
                              "provider=\"a\"} 1\n"));
}

TEST_F(CompatibleMetricsTest, WhatIsCountedAnywayIsToldInOtherWords) {
  shard_.CounterOf(kTokenCounts, {"p", "m", "input"}).Add(7);
  shard_.CounterOf(kTokenCounts, {"p", "m", "output"}).Add(5);
  shard_.CounterOf(kAttemptCounts, {"p", "OK"}).Add(2);
  shard_.CounterOf(kAttemptCounts, {"p", "PROVIDER_UNAVAILABLE"}).Add(1);
  shard_.GaugeOf(kCircuit, {"p", "m"}).Set(2);
  EXPECT_THAT(Text(), Not(HasSubstr("llm_gateway_")));
  AddCompatibleNames(registry_);
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("llm_gateway_tokens_total{provider=\"p\",model="
                              "\"m\",type=\"prompt\"} 7\n"));
  EXPECT_THAT(text, HasSubstr("llm_gateway_tokens_total{provider=\"p\",model="
                              "\"m\",type=\"completion\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("llm_gateway_provider_requests_total{provider="
                              "\"p\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("llm_gateway_circuit_breaker_state{circuit_name="
                              "\"p/m\"} 2\n"));
  // In their places among the others.
  const MetricsSnapshot snapshot = registry_.Read();
  for (size_t i = 1; i < snapshot.families.size(); ++i) {
    EXPECT_LT(snapshot.families[i - 1].name, snapshot.families[i].name);
  }
}

}  // namespace
}  // namespace gateway
