#include "service/pipeline/summary_record.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/summary/call_summary.h"
#include "service/summary/summary_query.h"
#include "tests/testing/fake_clock.h"

namespace gateway {
namespace {

v1::Usage UsageOf(int64_t input, int64_t output, int64_t cost_usd_nanos) {
  v1::Usage usage;
  usage.set_input_tokens(input);
  usage.set_output_tokens(output);
  usage.set_cost_usd_nanos(cost_usd_nanos);
  usage.set_cost_known(true);
  return usage;
}

class SummaryRecordTest : public testing::Test {
 protected:
  SummaryRecordTest() {
    summary_ = CallSummary::Open({}, clock_);
    shard_.emplace(summary_->AddShard());
    record_.start_time = clock_.WallTime();
    record_.duration = absl::Milliseconds(30);
    record_.request_id = "r-1";
    record_.provider = "openai";
    record_.model_served = "gpt-5";
    record_.model_asked = "gpt";
    record_.scope.agent_type = "reviewer";
    record_.scope.project_id = "project";
    record_.caller = "team";
    record_.caller_has_key = true;
    record_.usage = &usage_;
  }

  void Record(CapabilitySet capabilities = 0) {
    RecordInSummary(record_, capabilities, *shard_);
  }
  CallTotals Totals(const CallFilter& filter = {}) {
    return summary_->Sum({.filter = filter}).totals;
  }

  FakeClock clock_;
  std::unique_ptr<CallSummary> summary_;
  std::optional<CallSummary::Shard> shard_;
  v1::Usage usage_ = UsageOf(10, 20, 4000);
  CallRecord record_;
};

TEST_F(SummaryRecordTest, ACallIsCountedWithWhatItConsumed) {
  usage_.set_cached_input_tokens(3);
  usage_.set_cache_write_tokens(2);
  usage_.set_reasoning_tokens(5);
  usage_.set_estimated(true);
  Record();
  const CallTotals totals = Totals({.agent_type = "reviewer",
                                    .provider = "openai",
                                    .model = "gpt-5",
                                    .project_id = "project",
                                    .key = "team",
                                    .caller = "team"});
  EXPECT_EQ(totals[Figure::kSucceeded], 1);
  EXPECT_EQ(totals[Figure::kFailed], 0);
  EXPECT_EQ(totals[Figure::kInputTokens], 10);
  EXPECT_EQ(totals[Figure::kOutputTokens], 20);
  EXPECT_EQ(totals[Figure::kCachedInputTokens], 3);
  EXPECT_EQ(totals[Figure::kCacheWriteTokens], 2);
  EXPECT_EQ(totals[Figure::kReasoningTokens], 5);
  EXPECT_EQ(totals[Figure::kCostUsdNanos], 4000);
  EXPECT_EQ(totals[Figure::kEstimated], 1);
  EXPECT_EQ(totals[Figure::kDurationMicros], 30000);
}

TEST_F(SummaryRecordTest, WhatOtherAttemptsConsumedIsCountedAtTheirOwn) {
  v1::Usage lost = UsageOf(1, 2, 300);
  CallAttempt failed;
  failed.provider = "anthropic";
  failed.model = "claude";
  failed.usage = &lost;
  CallAttempt replaced = failed;
  replaced.replaced = true;
  CallAttempt answered;
  answered.provider = "openai";
  answered.model = "gpt-5";
  answered.usage = &usage_;
  const CallAttempt* const attempts[] = {&replaced, &failed, &answered};
  record_.attempts = attempts;
  Record();
  EXPECT_EQ(Totals()[Figure::kCostUsdNanos], 4300);
  EXPECT_EQ(Totals().calls(), 1);
  const CallTotals other = Totals({.provider = "anthropic", .model = "claude"});
  EXPECT_EQ(other[Figure::kCostUsdNanos], 300);
  EXPECT_EQ(other[Figure::kInputTokens], 1);
  EXPECT_EQ(other.calls(), 0);
}

TEST_F(SummaryRecordTest, AnAnswerMadeForAnotherCallConsumesNothing) {
  record_.answer_of = "r-0";
  Record();
  EXPECT_EQ(Totals()[Figure::kSucceeded], 1);
  EXPECT_EQ(Totals()[Figure::kReused], 1);
  EXPECT_EQ(Totals()[Figure::kCostUsdNanos], 0);
  EXPECT_EQ(Totals()[Figure::kInputTokens], 0);
}

TEST_F(SummaryRecordTest, FailuresAndCancelsAreCounted) {
  record_.status_code = absl::StatusCode::kUnavailable;
  Record();
  record_.status_code = absl::StatusCode::kCancelled;
  Record();
  EXPECT_EQ(Totals()[Figure::kSucceeded], 0);
  EXPECT_EQ(Totals()[Figure::kFailed], 2);
  EXPECT_EQ(Totals()[Figure::kCancelled], 1);
  // What was delivered before is paid for.
  EXPECT_EQ(Totals()[Figure::kCostUsdNanos], 8000);
}

TEST_F(SummaryRecordTest, WhatATierWithoutAPriceIsChargedCounts) {
  usage_.set_cost_known(false);
  usage_.set_cost_usd_nanos(4000);
  Record();
  EXPECT_EQ(Totals()[Figure::kCostUsdNanos], 4000);
  EXPECT_EQ(Totals()[Figure::kUnpriced], 1);
}

TEST_F(SummaryRecordTest, AnUnknownPriceIsNoCost) {
  usage_.set_cost_known(false);
  usage_.set_cost_usd_nanos(0);
  Record();
  EXPECT_EQ(Totals()[Figure::kCostUsdNanos], 0);
  EXPECT_EQ(Totals()[Figure::kUnpriced], 1);
  usage_.Clear();
  Record();
  EXPECT_EQ(Totals()[Figure::kUnpriced], 1);
}

TEST_F(SummaryRecordTest, WhoeverIsNotKnownNamesNothing) {
  // As it is after too many guesses, too.
  record_.status_code = absl::StatusCode::kResourceExhausted;
  record_.caller_known = false;
  record_.caller = "";
  record_.caller_has_key = false;
  for (int i = 0; i < 100; ++i) {
    const std::string name = std::to_string(i);
    record_.scope.agent_type = name;
    record_.scope.project_id = name;
    Record();
  }
  const SummaryAnswer answer =
      summary_->Sum({.group_by = {CallDimension::kAgent}});
  ASSERT_EQ(answer.groups.size(), 1u);
  EXPECT_EQ(answer.groups[0].agent_type, "");
  EXPECT_EQ(answer.totals[Figure::kFailed], 100);
}

TEST_F(SummaryRecordTest, RefusalsWithMadeUpNamesDoNotHideWhatOthersSpend) {
  CallRecord others = record_;
  record_.status_code = absl::StatusCode::kResourceExhausted;
  record_.caller = "mallory";
  record_.provider = "";
  record_.model_served = "";
  usage_.Clear();
  for (int i = 0; i < 3000; ++i) {
    const std::string name = std::to_string(i);
    record_.scope.agent_type = name;
    record_.scope.project_id = name;
    Record();
  }
  const v1::Usage spent = UsageOf(10, 20, 4000);
  others.usage = &spent;
  RecordInSummary(others, 0, *shard_);
  const CallTotals totals =
      Totals({.agent_type = "reviewer", .project_id = "project"});
  EXPECT_EQ(totals[Figure::kCostUsdNanos], 4000);
  EXPECT_EQ(Totals({.caller = "mallory"})[Figure::kFailed], 3000);
  EXPECT_EQ(Totals({.project_id = "other"})[Figure::kFailed], 3000);
}

TEST_F(SummaryRecordTest, CapabilitiesThatWereAskedForAreCounted) {
  Record(kCapabilityVision | kCapabilityStreaming);
  Record(kCapabilityVision);
  const int64_t hour = HourOf(record_.start_time);
  const SummaryHistory::Capabilities used =
      summary_->CapabilitiesUsed(hour, hour + 1);
  EXPECT_EQ(used[0], 1);
  EXPECT_EQ(used[1], 0);
  EXPECT_EQ(used[2], 2);
}

TEST_F(SummaryRecordTest, ACallIsRememberedByItself) {
  record_.operation = "POST /v1/messages";
  record_.stream = true;
  record_.time_to_first_token = absl::Milliseconds(7);
  record_.http_status = 200;
  record_.response_bytes = 99;
  Record();
  const RecentCalls::Found found =
      summary_->recent().List(1, [](const RecentCall&) { return true; });
  ASSERT_EQ(found.calls.size(), 1u);
  const RecentCall& call = found.calls[0];
  EXPECT_EQ(call.Text(RecentText::kRequestId), "r-1");
  EXPECT_EQ(call.Text(RecentText::kModelAsked), "gpt");
  EXPECT_EQ(call.Text(RecentText::kModelServed), "gpt-5");
  EXPECT_EQ(call.Text(RecentText::kAgentType), "reviewer");
  EXPECT_EQ(call.Text(RecentText::kOperation), "POST /v1/messages");
  EXPECT_EQ(call.numbers.cost_usd_nanos, 4000);
  EXPECT_EQ(call.numbers.time_to_first_token_us, 7000);
  EXPECT_EQ(call.numbers.overhead_us, RecentCall::kUnset);
  EXPECT_EQ(call.numbers.response_bytes, 99);
  EXPECT_TRUE(call.numbers.stream);
  EXPECT_TRUE(call.numbers.caller_has_key);
}

}  // namespace
}  // namespace gateway
