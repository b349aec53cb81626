#include "service/pipeline/circuit_metrics.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"
#include "service/pipeline/current_runtime.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/retry_budget.h"
#include "service/resilience/target_board.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

class CircuitMetricsTest : public testing::Test {
 protected:
  CircuitMetricsTest() { AddCircuitMetrics(current_, 2, registry_); }

  // By name and labels: `circuit_breaker_state{p,m}`.
  std::map<std::string, double> Read() { return Read(registry_); }
  static std::map<std::string, double> Read(MetricRegistry& registry) {
    std::map<std::string, double> read;
    for (const MetricFamilyValue& family : registry.Read().families) {
      for (const MetricValue& metric : family.metrics) {
        std::string labels;
        for (const auto& [name, value] : metric.labels) {
          absl::StrAppend(&labels, labels.empty() ? "" : ",", value);
        }
        read[absl::StrCat(family.name, "{", labels, "}")] = metric.number;
      }
    }
    return read;
  }

  TargetState& Target(const char* model) {
    return current_.Get()->resilience().targets.Find("mock", model);
  }
  void Force(const char* model, CircuitBreaker::State state) {
    Target(model).proven = true;
    Target(model).breaker.Force(state,
                                current_.Get()->clock().SteadyTime());
  }

  CurrentRuntime current_{MakeTestRuntime(
      "providers: [{name: mock, mock: {}}, {name: other, mock: {}}]\n"
      "routing: {model_rules: [{prefix: m, targets: [mock, other]}]}\n"
      "resilience: {outlier_ejection: {enabled: true, "
      "consecutive_failures: 1}}\n")};
  FakeClock clock_;
  MetricRegistry registry_{clock_};
};

TEST_F(CircuitMetricsTest, EachStateHasItsNumber) {
  const struct {
    CircuitBreaker::State state;
    double number;
  } kNumbers[] = {{CircuitBreaker::State::kClosed, 0},
                  {CircuitBreaker::State::kHalfOpen, 1},
                  {CircuitBreaker::State::kOpen, 2},
                  {CircuitBreaker::State::kForcedOpen, 3},
                  {CircuitBreaker::State::kMetricsOnly, 4},
                  {CircuitBreaker::State::kDisabled, 5}};
  for (const auto& [state, number] : kNumbers) {
    Force("m", state);
    EXPECT_THAT(Read(),
                Contains(Pair("circuit_breaker_state{mock,m}", number)));
  }
}

TEST_F(CircuitMetricsTest, FailuresAreCounted) {
  const absl::Duration now = current_.Get()->clock().SteadyTime();
  Target("m").proven = true;
  for (int i = 0; i < 3; ++i) Target("m").breaker.TryAcquire(now)->Fail(now);
  EXPECT_THAT(Read(), Contains(Pair("circuit_breaker_failures{mock,m}", 3)));
}

TEST_F(CircuitMetricsTest, OneThatIsForcedIsShownBeforeItHasAnswered) {
  Target("m").breaker.Force(CircuitBreaker::State::kForcedOpen,
                            current_.Get()->clock().SteadyTime());
  EXPECT_THAT(Read(), Contains(Pair("circuit_breaker_state{mock,m}", 3)));
}

TEST_F(CircuitMetricsTest, NamesThatCallersMakeUpAreNotAmongThem) {
  Target("made-up");
  EXPECT_THAT(Read(),
              Not(Contains(Key("circuit_breaker_state{mock,made-up}"))));
  Target("made-up").availability.Disable(TargetAvailability::By::kOperator,
                                         "by alice");
  EXPECT_THAT(Read(), Contains(Pair("circuit_breaker_state{mock,made-up}", 0)));
}

TEST_F(CircuitMetricsTest, NorThoseOfAnotherConfiguration) {
  TargetState& other = current_.Get()->resilience().targets.Find("of-old", "m");
  other.proven = true;
  Force("m", CircuitBreaker::State::kClosed);
  EXPECT_THAT(Read(), Contains(Key("circuit_breaker_state{mock,m}")));
  EXPECT_THAT(Read(), Not(Contains(Key("circuit_breaker_state{of-old,m}"))));
}

TEST_F(CircuitMetricsTest, BeyondTheLimitThereIsOneForTheRest) {
  Force("a", CircuitBreaker::State::kClosed);
  Force("b", CircuitBreaker::State::kClosed);
  Force("c", CircuitBreaker::State::kOpen);
  Force("d", CircuitBreaker::State::kClosed);
  const auto read = Read();
  EXPECT_THAT(read, Contains(Pair("circuit_breaker_state{mock,b}", 0)));
  EXPECT_THAT(read, Not(Contains(Key("circuit_breaker_state{mock,c}"))));
  EXPECT_THAT(read, Contains(Pair("circuit_breaker_state{other,other}", 2)));
}

TEST_F(CircuitMetricsTest, DisabledModelsAreCountedByWhoDidIt) {
  EXPECT_THAT(Read(), Contains(Pair("llmgw_disabled_models{operator}", 0)));
  Target("a").availability.Disable(TargetAvailability::By::kOperator, "x");
  TargetBoard& targets = current_.Get()->resilience().targets;
  targets.SetFailuresLimit(1);
  Target("b").RecordFailure();
  const auto read = Read();
  EXPECT_THAT(read, Contains(Pair("llmgw_disabled_models{operator}", 1)));
  EXPECT_THAT(read, Contains(Pair("llmgw_disabled_models{failures}", 1)));
  EXPECT_THAT(read,
              Contains(Pair("llmgw_models_disabled_by_failures_total{}", 1)));
}

TEST_F(CircuitMetricsTest, WhatTheBudgetOfRetriesRefusesIsCounted) {
  RetryBudget& budget = current_.Get()->resilience().retry_budget;
  const std::string refusals = "llmgw_retry_budget_refusals_total";
  EXPECT_THAT(Read(), Contains(Pair(refusals + "{fallback}", 0)));
  std::vector<RetryBudget::Permit> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(*budget.TryAcquire());
  EXPECT_FALSE(budget.TryAcquire(RetryBudget::Purpose::kFallback).has_value());
  const auto read = Read();
  EXPECT_THAT(read, Contains(Pair(refusals + "{fallback}", 1)));
  EXPECT_THAT(read, Contains(Pair(refusals + "{retry}", 0)));
  EXPECT_THAT(read, Contains(Pair("llmgw_retry_budget_in_flight{}", 3)));
  EXPECT_THAT(read, Contains(Pair("llmgw_retry_budget_limit{}", 3)));
}

TEST_F(CircuitMetricsTest, EjectionsAreCountedByWhy) {
  const absl::Duration now = current_.Get()->clock().SteadyTime();
  current_.Get()
      ->resilience()
      .outliers.Find({{"mock", ""}, {"other", ""}}, now)[0]
      ->RecordFault(now);
  const auto read = Read();
  EXPECT_THAT(read, Contains(Pair("llmgw_ejected_targets{}", 1)));
  EXPECT_THAT(read,
              Contains(Pair("llmgw_ejections_total{consecutive_faults}", 1)));
  EXPECT_THAT(read, Contains(Pair("llmgw_ejections_total{latency}", 0)));
}

TEST_F(CircuitMetricsTest, CredentialsWithALimitAreToldUpToTheLimitOfLabels) {
  CurrentRuntime current(MakeTestRuntime(
      "providers:\n"
      "- {name: plain, mock: {}}\n"
      "- {name: keyless, mock: {}, resilience: {adaptive_concurrency: "
      "{initial_limit: 5}}}\n"
      "- {name: keyed, openai: {api_key: 'env:A'}, credentials: [{api_key: "
      "'env:A', name: b}, {api_key: 'env:A', name: c}], resilience: "
      "{adaptive_concurrency: {initial_limit: 7}}}\n"
      "routing: {default_target: plain}\n",
      {{"A", "a"}}));
  MetricRegistry registry(clock_);
  AddCircuitMetrics(current, 2, registry);
  const auto& runtime = *current.Get();
  const auto& limits =
      runtime.PolicyOf(*runtime.providers().Find("keyed")).credential_limits;
  const auto place = limits->Of(0).TryTake();
  const auto other = limits->Of(1).TryTake();
  const auto read = Read(registry);
  const std::string limit = "llmgw_credential_attempts_limit";
  const std::string in_flight = "llmgw_credential_attempts_in_flight";
  EXPECT_THAT(read, Contains(Pair(limit + "{keyless,none}", 5)));
  EXPECT_THAT(read, Contains(Pair(in_flight + "{keyless,none}", 0)));
  EXPECT_THAT(read, Contains(Pair(limit + "{keyed,default}", 7)));
  EXPECT_THAT(read, Contains(Pair(in_flight + "{keyed,default}", 1)));
  EXPECT_THAT(read, Contains(Pair(limit + "{other,other}", 14)));
  EXPECT_THAT(read, Contains(Pair(in_flight + "{other,other}", 1)));
  EXPECT_THAT(Read(), Not(Contains(Key(limit + "{other,other}"))));
}

}  // namespace
}  // namespace gateway
