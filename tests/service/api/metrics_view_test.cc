#include "service/api/metrics_view.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/metrics.pb.h"

namespace gateway {
namespace {

using ::testing::HasSubstr;

MetricFamilyValue FamilyOfName(const std::string& name) {
  return {.name = name,
          .help = "Things.",
          .kind = MetricKind::kCounter,
          .metrics = {{.labels = {{"model", "m"}}, .number = 3}}};
}

TEST(MetricsViewTest, AtMostAHundredNamesAreAskedFor) {
  v1::GetMetricsRequest request;
  for (int i = 0; i < 100; ++i) request.add_names("x");
  EXPECT_TRUE(CheckMetricNames(request.names()).ok());
  request.add_names("x");
  EXPECT_THAT(CheckMetricNames(request.names()).message(),
              HasSubstr("names: must be at most 100, not 101"));
}

TEST(MetricsViewTest, FamiliesAreThoseThatAreAskedFor) {
  const MetricsSnapshot snapshot = {
      .families = {FamilyOfName("a"), FamilyOfName("b")},
      .read_time = absl::FromUnixSeconds(7)};
  v1::GetMetricsRequest request;
  v1::GetMetricsResponse all;
  FillMetrics(snapshot, request.names(), &all);
  EXPECT_EQ(all.families_size(), 2);
  EXPECT_EQ(all.read_time().seconds(), 7);
  request.add_names("b");
  v1::GetMetricsResponse one;
  FillMetrics(snapshot, request.names(), &one);
  ASSERT_EQ(one.families_size(), 1);
  EXPECT_EQ(one.families(0).name(), "b");
  EXPECT_EQ(one.families(0).kind(), v1::MetricFamily::KIND_COUNTER);
  EXPECT_EQ(one.families(0).metrics(0).labels().at("model"), "m");
  EXPECT_EQ(one.families(0).metrics(0).number(), 3);
}

TEST(MetricsViewTest, WhatTheFeedRefusesIsAFault) {
  EXPECT_EQ(FaultReason(FeedRefusal(absl::ResourceExhaustedError("full"))),
            v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultReason(FeedRefusal(absl::UnavailableError("closed"))),
            v1::ERROR_REASON_DRAINING);
  EXPECT_EQ(FaultReason(FeedClosed()), v1::ERROR_REASON_DRAINING);
}

}  // namespace
}  // namespace gateway
