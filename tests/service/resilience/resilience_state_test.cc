#include "service/resilience/resilience_state.h"

#include "absl/time/time.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;

GatewayConfig Config(const char* mode) {
  GatewayConfig config;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      std::string("circuit_breaker { mode: ") + mode +
          " consecutive_failures: 1 failure_percent: 50 minimum_calls: 20"
          " window { seconds: 30 } open_duration { seconds: 7 }"
          " half_open_probes: 1 }"
          " retry_budget { percent: 0 minimum: 1 }",
      config.mutable_resilience()));
  return config;
}

constexpr absl::Duration kNow = absl::Hours(1);

void Fail(TargetState& target) {
  target.breaker.TryAcquire(kNow)->Fail(kNow);
}

TEST(ResilienceStateTest, ABreakerIsAsConfigured) {
  ResilienceState state(Config("MODE_ENFORCE"));
  TargetState& target = state.targets.Find("p", "m");
  Fail(target);
  EXPECT_FALSE(target.breaker.IsAskable(kNow + absl::Milliseconds(6999)));
  EXPECT_TRUE(target.breaker.IsAskable(kNow + absl::Seconds(7)));
}

TEST(ResilienceStateTest, OneOfMetricsOnlyNeverOpens) {
  ResilienceState state(Config("MODE_METRICS_ONLY"));
  TargetState& target = state.targets.Find("p", "m");
  Fail(target);
  EXPECT_TRUE(target.breaker.IsAskable(kNow));
  EXPECT_EQ(target.breaker.Read(kNow).failures, 1);
}

TEST(ResilienceStateTest, WhatIsSwitchedOffCountsNothing) {
  ResilienceState state(Config("MODE_OFF"));
  TargetState& target = state.targets.Find("p", "m");
  Fail(target);
  EXPECT_TRUE(target.breaker.IsAskable(kNow));
  EXPECT_EQ(target.breaker.Read(kNow).failures, 0);
}

TEST(ResilienceStateTest, AnotherConfigurationTakesEffectAtOnce) {
  ResilienceState state(Config("MODE_OFF"));
  TargetState& target = state.targets.Find("p", "m");
  state.Apply(Config("MODE_ENFORCE"), kNow);
  Fail(target);
  EXPECT_FALSE(target.breaker.IsAskable(kNow));
  for (const char* mode : {"MODE_METRICS_ONLY", "MODE_OFF"}) {
    state.Apply(Config(mode), kNow);
    EXPECT_TRUE(target.breaker.IsAskable(kNow)) << mode;
  }
}

TEST(ResilienceStateTest, AProviderMayHaveABreakerOfItsOwn) {
  GatewayConfig config = Config("MODE_ENFORCE");
  auto& special = *config.add_providers();
  special.set_name("special");
  special.mutable_resilience()
      ->mutable_circuit_breaker()
      ->mutable_open_duration()
      ->set_nanos(500'000'000);
  ResilienceState state(config);
  TargetState& other = state.targets.Find("p", "m");
  TargetState& target = state.targets.Find("special", "m");
  Fail(other);
  Fail(target);
  EXPECT_FALSE(other.breaker.IsAskable(kNow + absl::Milliseconds(500)));
  EXPECT_FALSE(target.breaker.IsAskable(kNow + absl::Milliseconds(499)));
  EXPECT_TRUE(target.breaker.IsAskable(kNow + absl::Milliseconds(500)));
  config.mutable_providers()->Clear();
  state.Apply(config, kNow);
  EXPECT_FALSE(target.breaker.IsAskable(kNow + absl::Milliseconds(500)));
}

TEST(ResilienceStateTest, RetriesHaveABudget) {
  ResilienceState state(Config("MODE_ENFORCE"));
  const auto first = state.retry_budget.TryAcquire();
  EXPECT_TRUE(first.has_value());
  EXPECT_FALSE(state.retry_budget.TryAcquire().has_value());
}

}  // namespace
}  // namespace gateway
