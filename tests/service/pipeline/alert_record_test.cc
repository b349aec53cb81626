#include "service/pipeline/alert_record.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/alerts/alert_counts.h"
#include "service/observability/consumed_usage.h"

namespace gateway {
namespace {

v1::Usage Costing(int64_t nanos) {
  v1::Usage usage;
  usage.set_cost_usd_nanos(nanos);
  usage.set_cost_known(true);
  return usage;
}

class AlertRecordTest : public testing::Test {
 protected:
  AlertRecordTest() {
    record_.duration = absl::Milliseconds(30);
    record_.usage = &usage_;
    record_.attempts = asked_;
  }

  void Fail(v1::ErrorReason reason, absl::StatusCode code) {
    record_.status_code = code;
    record_.error_reason = reason;
    RecordForAlerts(record_, shard_);
  }
  AlertTotals Totals() const { return counts_.Read(); }

  AlertCounts counts_;
  AlertShard& shard_ = counts_.AddShard();
  v1::Usage usage_ = Costing(4000);
  CallAttempt attempt_;
  const CallAttempt* const asked_[1] = {&attempt_};
  CallRecord record_;
};

TEST_F(AlertRecordTest, ACallThatEndsWellHasItsTimeAndItsCost) {
  RecordForAlerts(record_, shard_);
  EXPECT_EQ(
      Totals(),
      (AlertTotals{
          .calls = 1, .took_us = 30'000, .cost_usd_nanos = 4000}));
}

TEST_F(AlertRecordTest, WhatProvidersAndTheGatewayFailIsAFailure) {
  Fail(v1::ERROR_REASON_PROVIDER_UNAVAILABLE, absl::StatusCode::kUnavailable);
  Fail(v1::ERROR_REASON_INTERNAL, absl::StatusCode::kInternal);
  Fail(v1::ERROR_REASON_CIRCUIT_OPEN, absl::StatusCode::kUnavailable);
  EXPECT_EQ(Totals().calls, 3);
  EXPECT_EQ(Totals().failures, 3);
  EXPECT_EQ(Totals().answered(), 0);
}

TEST_F(AlertRecordTest, WhatCallersAndRulesAreWhyOfDoesNotCount) {
  Fail(v1::ERROR_REASON_INVALID_REQUEST, absl::StatusCode::kInvalidArgument);
  Fail(v1::ERROR_REASON_CANCELLED, absl::StatusCode::kCancelled);
  Fail(v1::ERROR_REASON_RATE_LIMITED, absl::StatusCode::kResourceExhausted);
  Fail(v1::ERROR_REASON_MODEL_DISABLED, absl::StatusCode::kUnavailable);
  EXPECT_EQ(Totals().calls, 0);
}

TEST_F(AlertRecordTest, WhatIsReusedNeitherHidesFailuresNorSlowAnswers) {
  record_.attempts = {};
  record_.answer_of = "r-1";
  v1::Usage consumed;
  FillConsumed(&record_, &consumed);
  RecordForAlerts(record_, shard_);
  EXPECT_EQ(Totals(), AlertTotals());
}

TEST_F(AlertRecordTest, WhoIsNotKnownDoesNotCount) {
  usage_ = {};
  record_.attempts = {};
  Fail(v1::ERROR_REASON_API_KEY_INVALID, absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(Totals(), AlertTotals());
}

TEST_F(AlertRecordTest, EveryAttemptCostsAndAnAnswerOfOthersDoesNot) {
  const v1::Usage other = Costing(1000);
  CallAttempt failed;
  failed.usage = &other;
  CallAttempt replaced = failed;
  replaced.replaced = true;
  CallAttempt last;
  last.usage = &usage_;
  const CallAttempt* const attempts[] = {&failed, &replaced, &last};
  record_.attempts = attempts;
  v1::Usage consumed;
  FillConsumed(&record_, &consumed);
  RecordForAlerts(record_, shard_);
  EXPECT_EQ(Totals().cost_usd_nanos, 5000);
  record_.answer_of = "r-1";
  record_.attempts = {};
  v1::Usage nothing;
  FillConsumed(&record_, &nothing);
  RecordForAlerts(record_, shard_);
  EXPECT_EQ(Totals().cost_usd_nanos, 5000);
}

TEST_F(AlertRecordTest, WhatIsChargedCountsAlsoWhereTheTierHasNoPrice) {
  usage_.set_cost_known(false);
  RecordForAlerts(record_, shard_);
  EXPECT_EQ(Totals().cost_usd_nanos, 4000);
  usage_.set_cost_usd_nanos(0);
  RecordForAlerts(record_, shard_);
  EXPECT_EQ(Totals().cost_usd_nanos, 4000);
}

}  // namespace
}  // namespace gateway
