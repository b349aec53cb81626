#include "service/pipeline/target_obstacles.h"

#include <memory>
#include <set>
#include <string_view>

#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "service/pipeline/runtime_snapshot.h"
#include "service/resilience/credential_pool.h"
#include "service/resilience/target_board.h"
#include "tests/testing/test_runtime.h"

namespace gateway {
namespace {

class TargetObstaclesTest : public testing::Test {
 protected:
  TargetObstacle Found(bool brings_credential = false) {
    return ObstacleOf(&target_, policy_, now_, brings_credential);
  }
  void Answered(v1::ErrorReason reason) {
    policy_.credentials->Record(0, now_, MakeFault(reason, ""));
  }

  const std::shared_ptr<const RuntimeSnapshot> runtime_ = MakeTestRuntime(
      "providers: [{name: openai, openai: {api_key: 'env:OPENAI_KEY'}}]\n",
      {{"OPENAI_KEY", "sk-0123456789"}});
  const ProviderPolicy& policy_ =
      runtime_->PolicyOf(*runtime_->providers().Find("openai"));
  TargetState& target_ = runtime_->resilience().targets.Find("openai", "m");
  const absl::Duration now_ = runtime_->clock().SteadyTime();
};

TEST_F(TargetObstaclesTest, CredentialsThatRestStandInTheWay) {
  EXPECT_EQ(Found(), TargetObstacle::kNone);
  Answered(v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(Found(), TargetObstacle::kCools);
  EXPECT_EQ(runtime_->ObstacleOf({"openai", "never-asked"}),
            TargetObstacle::kCools);
  Answered(v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(Found(), TargetObstacle::kRefused);
  // Whoever brings one of his own needs none of them.
  EXPECT_EQ(Found(/*brings_credential=*/true), TargetObstacle::kNone);
}

TEST_F(TargetObstaclesTest, EachIsToldInWordsOfItsOwn) {
  std::set<std::string_view> texts;
  for (const TargetObstacle obstacle :
       {TargetObstacle::kDisabled, TargetObstacle::kForced,
        TargetObstacle::kRests, TargetObstacle::kCools,
        TargetObstacle::kRefused}) {
    EXPECT_FALSE(TextOf(obstacle).empty());
    texts.insert(TextOf(obstacle));
  }
  EXPECT_EQ(texts.size(), 5u);
  EXPECT_TRUE(TextOf(TargetObstacle::kNone).empty());
}

TEST_F(TargetObstaclesTest, WhatIsSaidOfTheTargetComesFirst) {
  Answered(v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  target_.breaker.Force(CircuitBreaker::State::kForcedOpen, now_);
  EXPECT_EQ(Found(), TargetObstacle::kForced);
  EXPECT_FALSE(LetsCallsThrough(target_, now_));
  target_.availability.Disable(TargetAvailability::By::kOperator, "");
  EXPECT_EQ(Found(), TargetObstacle::kDisabled);
  EXPECT_EQ(Found(/*brings_credential=*/true), TargetObstacle::kDisabled);
}

}  // namespace
}  // namespace gateway
