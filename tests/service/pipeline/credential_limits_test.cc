#include "service/pipeline/credential_limits.h"

#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/provider.pb.h"

namespace gateway {
namespace {

constexpr absl::Duration kLimitsStart = absl::Hours(1);
const GradientLimit::Options kTwenty = {.initial = 20, .max = 50};

TEST(CredentialLimitsTest, OptionsAreTheConfigurations) {
  llmgateway::config::v1::AdaptiveConcurrencyConfig config;
  config.set_initial_limit(7);
  config.set_min_limit(3);
  config.set_max_limit(9);
  config.set_tolerance_percent(25);
  const GradientLimit::Options options = CredentialLimits::OptionsOf(config);
  EXPECT_EQ(options.initial, 7);
  EXPECT_EQ(options.min, 3);
  EXPECT_EQ(options.max, 9);
  EXPECT_EQ(options.tolerance, 1.25);
}

TEST(CredentialLimitsTest, EachCredentialHasItsOwn) {
  const CredentialLimits limits({{"a"}, {"b"}}, kTwenty, nullptr);
  ASSERT_EQ(limits.size(), 2u);
  limits.Of(0).RecordPushBack(kLimitsStart);
  EXPECT_EQ(limits.Of(0).limit(), 18);
  EXPECT_EQ(limits.Of(1).limit(), 20);
  EXPECT_EQ(limits.Sum(), 38);
  EXPECT_EQ(limits.NameOf(1), "b");
}

TEST(CredentialLimitsTest, WhatIsKnownOfTheSameCredentialGoesOver) {
  const CredentialLimits first({{"a", 1}, {"b", 2}}, kTwenty, nullptr);
  const std::optional<GradientLimit::Place> place = first.Of(0).TryTake();
  first.Of(0).RecordPushBack(kLimitsStart);
  // Another secret is another credential, whatever its name.
  const CredentialLimits second({{"b", 3}, {"a", 1}}, kTwenty, &first);
  EXPECT_EQ(second.Of(1).limit(), 18);
  EXPECT_EQ(second.Of(1).in_flight(), 1);
  EXPECT_EQ(second.Of(0).limit(), 20);
  EXPECT_NE(&second.Of(0), &first.Of(1));
}

TEST(CredentialLimitsTest, WithOtherOptionsTheyBeginAnew) {
  const CredentialLimits first({{"a", 1}}, kTwenty, nullptr);
  first.Of(0).RecordPushBack(kLimitsStart);
  const CredentialLimits second({{"a", 1}}, {.initial = 10, .max = 50}, &first);
  EXPECT_EQ(second.Of(0).limit(), 10);
}

}  // namespace
}  // namespace gateway
