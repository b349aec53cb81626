#include "service/resilience/provider_probes.h"

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ProviderProbesTest, OneFailureIsChanceAndTwoAreNot) {
  ProviderProbes probes;
  const absl::Time now = absl::FromUnixSeconds(1'000);
  EXPECT_FALSE(probes.failing());
  probes.RecordFailure(now);
  EXPECT_FALSE(probes.failing());
  EXPECT_EQ(probes.Read().last_failure, now);
  EXPECT_EQ(probes.Read().last_success, std::nullopt);
  probes.RecordFailure(now);
  EXPECT_TRUE(probes.failing());
  probes.RecordSuccess(now + absl::Seconds(1));
  EXPECT_FALSE(probes.failing());
  EXPECT_EQ(probes.Read().probes, 3);
  EXPECT_EQ(probes.Read().failures, 2);
  EXPECT_EQ(probes.Read().failures_in_a_row, 0);
  EXPECT_EQ(probes.Read().last_success, now + absl::Seconds(1));
}

TEST(ProviderProbesTest, WhatIsNotProbedAnyMoreDoesNotFail) {
  ProviderProbes probes;
  probes.RecordFailure(absl::FromUnixSeconds(1));
  probes.RecordFailure(absl::FromUnixSeconds(2));
  probes.Forget();
  EXPECT_FALSE(probes.failing());
  EXPECT_EQ(probes.Read().last_failure, std::nullopt);
  EXPECT_EQ(probes.Read().failures, 2);
}

}  // namespace
}  // namespace gateway
