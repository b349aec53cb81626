#include "service/routing/rollout_switch.h"

#include "gtest/gtest.h"

namespace gateway {
namespace {

using ::llmgateway::config::v1::RolloutConfig;

RolloutConfig Half() {
  RolloutConfig config;
  config.set_enabled(true);
  config.set_percentage(50);
  return config;
}

TEST(RolloutSwitchTest, BeginsAsConfigured) {
  const RolloutSwitch half(Half());
  EXPECT_EQ(half.now().share(), 5000);
  EXPECT_FALSE(half.state().overridden);
  RolloutConfig off = Half();
  off.set_enabled(false);
  EXPECT_EQ(RolloutSwitch(off).now().share(), 0);
  EXPECT_EQ(RolloutSwitch(RolloutConfig()).now().share(), Rollout::kAll);
}

TEST(RolloutSwitchTest, WhatAnOperatorSaysCountsUntilItIsTakenBack) {
  RolloutSwitch rollout(Half());
  EXPECT_TRUE(rollout.Override({.percentage = 12.5}));
  EXPECT_EQ(rollout.now().share(), 1250);
  // The rest stays as it was said.
  EXPECT_TRUE(rollout.Override({.enabled = false}));
  EXPECT_EQ(rollout.now().share(), 0);
  EXPECT_TRUE(rollout.Override({.enabled = true}));
  EXPECT_EQ(rollout.now().share(), 1250);
  EXPECT_TRUE(rollout.state().overridden);
  EXPECT_EQ(rollout.state().percentage, 12.5);
  EXPECT_EQ(rollout.said().percentage, 12.5);
  rollout.Reset();
  EXPECT_EQ(rollout.now().share(), 5000);
  EXPECT_FALSE(rollout.state().overridden);
}

TEST(RolloutSwitchTest, APreviewChangesNothing) {
  RolloutSwitch rollout(Half());
  rollout.Override({.percentage = 12.5});
  // As said before, and this.
  const RolloutSwitch::State off = rollout.Preview({.enabled = false});
  EXPECT_FALSE(off.enabled);
  EXPECT_EQ(off.percentage, 12.5);
  // All of it taken back.
  EXPECT_EQ(rollout.Preview({}).percentage, 50);
  EXPECT_FALSE(rollout.Preview({}).overridden);
  EXPECT_EQ(rollout.now().share(), 1250);
}

TEST(RolloutSwitchTest, WhatIsNoPercentageChangesNothing) {
  RolloutSwitch rollout(Half());
  for (const double percentage : {-1.0, 100.5, 1.005}) {
    EXPECT_FALSE(
        rollout.Override({.enabled = false, .percentage = percentage}));
  }
  EXPECT_EQ(rollout.now().share(), 5000);
}

TEST(RolloutSwitchTest, TellsOneConfigurationFromAnother) {
  const RolloutSwitch half(Half());
  EXPECT_EQ(half.configured(), RolloutSwitch(Half()).configured());
  RolloutConfig other = Half();
  other.set_percentage(51);
  EXPECT_NE(half.configured(), RolloutSwitch(other).configured());
  other = Half();
  other.mutable_baseline()->set_provider("old");
  EXPECT_NE(half.configured(), RolloutSwitch(other).configured());
}

}  // namespace
}  // namespace gateway
