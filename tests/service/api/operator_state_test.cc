#include "service/api/operator_state.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/pipeline/current_runtime.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/circuit_breaker.h"
#include "service/resilience/target_board.h"
#include "service/routing/rollout_switch.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class OperatorStateTest : public testing::Test {
 protected:
  std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& [name, item] : state_.Read()) names.push_back(name);
    return names;
  }

  CurrentRuntime current_{
      MakeTestRuntime("providers: [{name: a, mock: {}}]\n")};
  OperatorState state_{current_};
};

TEST_F(OperatorStateTest, WhereNobodyHasSaidAnythingThereIsNothing) {
  EXPECT_THAT(state_.Read(), IsEmpty());
}

TEST_F(OperatorStateTest, EachThingHasANameOfItsOwn) {
  const auto runtime = current_.Get();
  runtime->resilience()
      .targets.FindOwn("a", "x/y")
      ->breaker.Force(CircuitBreaker::State::kMetricsOnly,
                      runtime->clock().SteadyTime());
  runtime->rollout().Override({.percentage = 10});
  EXPECT_THAT(Names(), ElementsAre("circuit/a/x/y", StartsWith("rollout/")));
  for (const std::string& name : Names()) EXPECT_TRUE(state_.Concerns(name));
  EXPECT_FALSE(state_.Concerns("circuit/other/x"));
  EXPECT_FALSE(state_.Concerns("rollout/0123"));
  EXPECT_FALSE(state_.Concerns("something"));
}

TEST_F(OperatorStateTest, APriceIsAppliedReadAndTakenBack) {
  const std::string name = "price/openai/2027-01-15T08:00:00Z/ft:a/b";
  const std::string price =
      R"({"model":"ft:a/b","kind":"openai","steps":[{"input":"1",)"
      R"("output":"2"}],"effective_time":"2027-01-15T08:00:00Z"})";
  EXPECT_TRUE(state_.Concerns(name));
  const absl::Status applied = state_.Apply(name, price);
  ASSERT_TRUE(applied.ok()) << applied;
  EXPECT_THAT(Names(), ElementsAre(name));
  EXPECT_EQ(state_.Read().begin()->second, price);
  EXPECT_FALSE(state_.Apply("price/openai/always/m", price).ok());
  EXPECT_FALSE(state_.Apply(name, "{}").ok());
  EXPECT_TRUE(state_.Apply(name, std::nullopt).ok());
  EXPECT_THAT(state_.Read(), IsEmpty());
  EXPECT_TRUE(state_.Apply(name, std::nullopt).ok());
}

TEST_F(OperatorStateTest, WhatIsAppliedIsReadAgain) {
  const std::string circuit =
      R"({"state":"STATE_FORCED_OPEN","disabled":true,"disabledReason":"why"})";
  EXPECT_TRUE(state_.Apply("circuit/a/m", circuit).ok());
  EXPECT_EQ(state_.Read().begin()->second, circuit);
  EXPECT_TRUE(state_.Apply("circuit/a/m", std::nullopt).ok());
  EXPECT_THAT(state_.Read(), IsEmpty());
}

TEST_F(OperatorStateTest, AnOverrideMayEndByItself) {
  const std::string item =
      R"({"assignments":[{"override":{"node_name":"n","model_id":"m",)"
      R"("expire_time":"2026-01-02T03:04:05Z"}}]})";
  EXPECT_EQ(state_.EndOf("node/n", item), absl::FromUnixSeconds(1767323045));
  EXPECT_EQ(state_.EndOf("node/n", "{}"), absl::InfiniteFuture());
  EXPECT_EQ(state_.EndOf("circuit/a/m", "{}"), absl::InfiniteFuture());
}

TEST_F(OperatorStateTest, WhatIsNoItemIsRefused) {
  EXPECT_TRUE(
      absl::IsInvalidArgument(state_.Apply("circuit/a/m", "no circuit")));
  EXPECT_TRUE(absl::IsInvalidArgument(state_.Apply("node/n", "no override")));
  const std::string rollout = "rollout/x";
  EXPECT_FALSE(state_.Apply(rollout, "no rollout").ok());
  EXPECT_THAT(state_.Read(), IsEmpty());
}

}  // namespace
}  // namespace gateway
