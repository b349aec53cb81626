#include "service/resilience/resilience_state.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/config.pb.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::GatewayConfig;

GatewayConfig Config(const char* mode) {
  GatewayConfig config;
  config.add_providers()->set_name("p");
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
  EXPECT_NE(state.Apply(Config("MODE_ENFORCE"), kNow), nullptr);
  Fail(target);
  EXPECT_FALSE(target.breaker.IsAskable(kNow));
  for (const char* mode : {"MODE_METRICS_ONLY", "MODE_OFF"}) {
    EXPECT_NE(state.Apply(Config(mode), kNow), nullptr);
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
  config.mutable_providers(1)->clear_resilience();
  const auto learned = state.Apply(config, kNow);
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
  const auto learned = state.Apply(config, kNow);
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
  const auto learned = state.Apply(config, kNow);
  EXPECT_FALSE(target.availability.disabled());
  target.RecordFailure();
  EXPECT_FALSE(target.availability.disabled());
  target.RecordFailure();
  EXPECT_TRUE(target.availability.disabled());
}

// `p`, and others at these addresses.
GatewayConfig At(std::vector<std::pair<std::string, std::string>> others) {
  GatewayConfig config = Config("MODE_ENFORCE");
  for (const auto& [name, url] : others) {
    auto& provider = *config.add_providers();
    provider.set_name(name);
    provider.mutable_openai()->set_base_url(url);
  }
  return config;
}

TEST(ResilienceStateTest, WhoAnswersElsewhereBeginsAnew) {
  ResilienceState state(At({{"q", "http://a"}}));
  const auto first = state.Apply(At({{"q", "http://a"}}), kNow);
  TargetState& before = state.targets.Find("q", "m");
  Fail(before);
  Fail(state.targets.Find("p", "m"));
  before.RecordFailure();
  const auto second = state.Apply(At({{"q", "http://b"}}), kNow);
  TargetState& after = state.targets.Find("q", "m");
  EXPECT_NE(&after, &before);
  EXPECT_TRUE(after.breaker.IsAskable(kNow));
  EXPECT_EQ(after.availability.failures_in_a_row(), 0);
  // Calls that still run keep what they have found.
  EXPECT_FALSE(before.breaker.IsAskable(kNow));
  // Others keep what is known of them.
  EXPECT_FALSE(state.targets.Find("p", "m").breaker.IsAskable(kNow));
  // So does one of another kind at the same address.
  GatewayConfig other_kind = At({});
  auto& provider = *other_kind.add_providers();
  provider.set_name("q");
  provider.mutable_anthropic()->set_base_url("http://b");
  Fail(after);
  const auto third = state.Apply(other_kind, kNow);
  EXPECT_TRUE(state.targets.Find("q", "m").breaker.IsAskable(kNow));
  // And nobody whose other settings are others.
  Fail(state.targets.Find("q", "m"));
  other_kind.mutable_providers(1)->add_models("m");
  const auto fourth = state.Apply(other_kind, kNow);
  EXPECT_FALSE(state.targets.Find("q", "m").breaker.IsAskable(kNow));
}

TEST(ResilienceStateTest, WhatIsNotConfiguredAnyMoreIsForgotten) {
  ResilienceState state(Config("MODE_ENFORCE"));
  const TargetState* const kept = &state.targets.Find("p", "m");
  std::shared_ptr<const void> in_use = state.Apply(At({}), kNow);
  std::vector<std::weak_ptr<const void>> before;
  for (int i = 0; i < 200; ++i) {
    const std::string name = absl::StrCat("other-", i);
    before.push_back(in_use);
    in_use = state.Apply(At({{name, "http://a"}}), kNow);
    for (int model = 0; model < 30; ++model) {
      state.targets.Find(name, absl::StrCat(model)).RecordFailure();
    }
    state.providers.UseCredentials(
        name, state.providers.MakeCredentials(name, {{"a"}}, {}));
  }
  EXPECT_EQ(state.targets.All().size(), 31u);
  EXPECT_EQ(&state.targets.Find("p", "m"), kept);
  EXPECT_EQ(state.targets.FindKnown("other-198", "0"), nullptr);
  EXPECT_NE(state.targets.FindKnown("other-199", "0"), nullptr);
  EXPECT_EQ(state.providers.CredentialsOf("other-198"), nullptr);
  EXPECT_NE(state.providers.CredentialsOf("other-199"), nullptr);
  for (const std::weak_ptr<const void>& era : before) {
    EXPECT_TRUE(era.expired());
  }
}

TEST(ResilienceStateTest, WhoeverHoldsAConfigurationHoldsWhatLaterOnesForget) {
  ResilienceState state(At({{"q", "http://a"}, {"r", "http://a"}}));
  std::shared_ptr<const void> first =
      state.Apply(At({{"q", "http://a"}, {"r", "http://a"}}), kNow);
  TargetState& q = state.targets.Find("q", "m");
  TargetState& r = state.targets.Find("r", "m");
  std::weak_ptr<const void> second = state.Apply(At({{"q", "http://a"}}), kNow);
  // Nobody is under the second any more when it ends.
  EXPECT_TRUE(second.expired());
  const auto third = state.Apply(At({}), kNow);
  for (TargetState* found : {&q, &r}) {
    found->RecordFailure();
    EXPECT_EQ(found->availability.failures_in_a_row(), 1);
  }
  EXPECT_NE(&state.targets.Find("q", "m"), &q);
  second = first;
  first.reset();
  EXPECT_TRUE(second.expired());
}

TEST(ResilienceStateTest, WhatOperatorsHaveSaidWaitsForTheProvider) {
  const GatewayConfig with = At({{"q", "http://a"}});
  ResilienceState state(with);
  state.targets.Find("q", "m").availability.Disable(
      TargetAvailability::By::kOperator, "by alice");
  Fail(state.targets.Find("q", "n"));
  auto learned = state.Apply(At({}), kNow);
  EXPECT_EQ(state.targets.FindKnown("q", "n"), nullptr);
  learned = state.Apply(At({{"q", "http://b"}}), kNow);
  EXPECT_EQ(state.targets.Find("q", "m").availability.Read().why, "by alice");
}

TEST(ResilienceStateTest, WhoKeepsWhatFailuresDisabledIsToldThatItIsForgotten) {
  GatewayConfig config = At({{"q", "http://a"}});
  config.mutable_resilience()->set_disable_model_after_failures(1);
  ResilienceState state(config);
  int told = 0;
  state.targets.TellOfDisabled([&told] { ++told; });
  state.targets.Find("q", "m").RecordFailure();
  EXPECT_EQ(told, 1);
  const auto learned = state.Apply(At({}), kNow);
  EXPECT_EQ(told, 2);
}

TEST(ResilienceStateTest, WhoIsAnotherIsNotEjectedForWhatTheOtherDid) {
  GatewayConfig config = At({{"q", "http://a"}});
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "enabled: true consecutive_failures: 1 interval { seconds: 10 }"
      " base_ejection { seconds: 3 } ejection_limit { seconds: 5 }"
      " ejected_percent_limit: 50 slow_start { seconds: 10 }",
      config.mutable_resilience()->mutable_outlier_ejection()));
  ResilienceState state(config);
  GroupMember& member = *state.outliers.Find({{"q", "m"}, {"p", "m"}}, kNow)[0];
  member.RecordFault(kNow);
  auto learned = state.Apply(config, kNow);
  EXPECT_EQ(member.WeightPermille(kNow), 0);
  config.mutable_providers(1)->mutable_openai()->set_base_url("http://b");
  learned = state.Apply(config, kNow);
  EXPECT_EQ(member.WeightPermille(kNow), 1000);
}

}  // namespace
}  // namespace gateway
