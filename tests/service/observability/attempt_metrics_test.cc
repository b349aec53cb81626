#include "service/observability/attempt_metrics.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/os/clock.h"
#include "gtest/gtest.h"
#include "service/observability/metrics.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

using FollowUps = std::map<std::string, double>;

// What is counted of one attempt, by name and labels' values.
FollowUps Counted(const CallAttempt& attempt) {
  MetricRegistry registry(SystemClock());
  MetricShard& shard = registry.AddShard();
  CountFollowUp(attempt, "p", shard);
  FollowUps counted;
  for (const MetricFamilyValue& family : registry.Read().families) {
    for (const MetricValue& metric : family.metrics) {
      std::string name = family.name;
      for (const auto& label : metric.labels) {
        absl::StrAppend(&name, " ", label.second);
      }
      counted[name] = metric.number;
    }
  }
  return counted;
}

CallAttempt FollowUp(v1::Attempt::Kind kind, v1::ErrorReason cause) {
  CallAttempt attempt;
  attempt.kind = kind;
  attempt.cause = cause;
  return attempt;
}

TEST(AttemptMetricsTest, WhatFollowsAFailureIsCountedByWhy) {
  EXPECT_EQ(Counted(FollowUp(v1::Attempt::KIND_RETRY,
                             v1::ERROR_REASON_PROVIDER_UNAVAILABLE)),
            (FollowUps{{"llmgw_retries_total p PROVIDER_UNAVAILABLE", 1}}));
}

TEST(AttemptMetricsTest, HedgesAreCountedByHowTheyEnd) {
  CallAttempt hedge =
      FollowUp(v1::Attempt::KIND_HEDGE, v1::ERROR_REASON_UNSPECIFIED);
  hedge.answered = true;
  EXPECT_EQ(Counted(hedge), (FollowUps{{"llmgw_hedges_total p won", 1}}));
  hedge.answered = false;
  hedge.error_reason = v1::ERROR_REASON_CANCELLED;
  EXPECT_EQ(Counted(hedge), (FollowUps{{"llmgw_hedges_total p lost", 1}}));
  hedge.error_reason = v1::ERROR_REASON_PROVIDER_UNAVAILABLE;
  EXPECT_EQ(Counted(hedge), (FollowUps{{"llmgw_hedges_total p failed", 1}}));
}

TEST(AttemptMetricsTest, SoIsWhatBecomesOfCredentials) {
  CallAttempt attempt =
      FollowUp(v1::Attempt::KIND_FIRST, v1::ERROR_REASON_UNSPECIFIED);
  attempt.credential = "default";
  EXPECT_FALSE(IsOfNote(attempt));
  attempt.credential_change = CredentialChange::kCools;
  EXPECT_TRUE(IsOfNote(attempt));
  EXPECT_EQ(Counted(attempt),
            (FollowUps{{"llmgw_credential_coolings_total p default", 1}}));
  attempt.credential_change = CredentialChange::kIsOut;
  EXPECT_EQ(Counted(attempt),
            (FollowUps{{"llmgw_credential_refusals_total p default", 1}}));
  attempt.credential = "";
  attempt.credential_change = CredentialChange::kCools;
  EXPECT_EQ(Counted(attempt),
            (FollowUps{{"llmgw_credential_coolings_total p none", 1}}));
}

TEST(AttemptMetricsTest, AFirstAttemptIsNothingOfTheKind) {
  EXPECT_TRUE(
      Counted(FollowUp(v1::Attempt::KIND_FIRST, v1::ERROR_REASON_UNSPECIFIED))
          .empty());
  EXPECT_FALSE(IsOfNote(
      FollowUp(v1::Attempt::KIND_FIRST, v1::ERROR_REASON_UNSPECIFIED)));
}

}  // namespace
}  // namespace gateway
