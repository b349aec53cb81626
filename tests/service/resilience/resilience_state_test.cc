#include "service/resilience/resilience_state.h"

#include <vector>

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

TEST(ResilienceStateTest, TargetsAreComparedIfThatIsConfigured) {
  GatewayConfig config = Config("MODE_ENFORCE");
  ResilienceState state(config);
  const std::vector<OutlierGroups::Name> pair = {{"p", "m"}, {"q", "m"}};
  EXPECT_TRUE(state.outliers.Read(kNow).empty());
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "enabled: true consecutive_failures: 2 interval { seconds: 10 }"
      " success_rate_deviation: 1.9 latency_percent: 300"
      " base_ejection { seconds: 3 } ejection_limit { seconds: 5 }"
      " ejected_percent_limit: 50 slow_start { seconds: 10 }",
      config.mutable_resilience()->mutable_outlier_ejection()));
  state.Apply(config, kNow);
  GroupMember& member = *state.outliers.Find(pair, kNow)[0];
  member.RecordFault(kNow);
  EXPECT_EQ(member.WeightPermille(kNow), 1000);
  member.RecordFault(kNow);
  EXPECT_EQ(member.WeightPermille(kNow + absl::Milliseconds(2999)), 0);
  EXPECT_EQ(member.WeightPermille(kNow + absl::Seconds(3)), 100);
  EXPECT_EQ(member.WeightPermille(kNow + absl::Seconds(13)), 1000);
}

TEST(ResilienceStateTest, SoManyFailuresDisableATarget) {
  GatewayConfig config = Config("MODE_ENFORCE");
  config.mutable_resilience()->set_disable_model_after_failures(1);
  ResilienceState state(config);
  TargetState& target = state.targets.Find("p", "m");
  target.RecordFailure();
  EXPECT_TRUE(target.availability.disabled());
  config.mutable_resilience()->set_disable_model_after_failures(2);
  state.Apply(config, kNow);
  EXPECT_FALSE(target.availability.disabled());
  target.RecordFailure();
  EXPECT_FALSE(target.availability.disabled());
  target.RecordFailure();
  EXPECT_TRUE(target.availability.disabled());
}

}  // namespace
}  // namespace gateway
