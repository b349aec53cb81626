#include "service/observability/consumed_usage.h"

#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/observability/call_record.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

v1::Usage UsageOfAllAttempts(CallRecord record) {
  v1::Usage sum;
  FillConsumed(&record, &sum);
  return ConsumedUsage(record);
}

TEST(ConsumedUsageTest, AddsUpAndKnowsAPriceOnlyIfAllAreKnown) {
  v1::Usage usage;
  usage.set_input_tokens(1);
  usage.set_output_tokens(2);
  usage.set_cost_usd_nanos(10);
  usage.set_cost_known(true);
  usage.mutable_cost_breakdown()->set_input_nanos(4);
  usage.mutable_cost_breakdown()->set_output_nanos(6);
  usage.set_provider_cost_usd_nanos(7);
  v1::Usage lost = usage;
  CallAttempt answered;
  answered.usage = &usage;
  CallAttempt failed;
  failed.usage = &lost;
  const CallAttempt* const attempts[] = {&failed, &answered};
  CallRecord record;
  record.usage = &usage;
  record.attempts = attempts;
  v1::Usage all = UsageOfAllAttempts(record);
  EXPECT_EQ(all.input_tokens(), 2);
  EXPECT_EQ(all.output_tokens(), 4);
  EXPECT_EQ(all.cost_usd_nanos(), 20);
  EXPECT_EQ(all.cost_breakdown().input_nanos(), 8);
  EXPECT_EQ(all.cost_breakdown().output_nanos(), 12);
  EXPECT_EQ(all.provider_cost_usd_nanos(), 14);
  EXPECT_TRUE(all.cost_known());
  lost.set_cost_known(false);
  all = UsageOfAllAttempts(record);
  EXPECT_EQ(all.cost_usd_nanos(), 20);
  EXPECT_FALSE(all.cost_known());
  // Of a call that nobody answered, that of the attempts.
  lost.set_cost_known(true);
  record.usage = &v1::Usage::default_instance();
  answered.usage = record.usage;
  all = UsageOfAllAttempts(record);
  EXPECT_EQ(all.cost_usd_nanos(), 10);
  EXPECT_TRUE(all.cost_known());
  // What was made for another call costs nothing again; what was tried does.
  record.usage = &usage;
  record.answer_of = "another";
  EXPECT_EQ(UsageOfAllAttempts(record).input_tokens(), 1);
  record.attempts = {};
  EXPECT_EQ(UsageOfAllAttempts(record).input_tokens(), 0);
  EXPECT_TRUE(UsageOfAllAttempts(record).cost_known());
}

TEST(ConsumedUsageTest, OfASingleAttemptIsNotCopied) {
  v1::Usage usage;
  usage.set_input_tokens(1);
  CallAttempt attempt;
  attempt.usage = &usage;
  const CallAttempt* const attempts[] = {&attempt, &attempt};
  CallRecord record;
  record.usage = &usage;
  record.attempts = absl::MakeSpan(attempts, 1);
  v1::Usage sum;
  FillConsumed(&record, &sum);
  EXPECT_EQ(&ConsumedUsage(record), &usage);
  record.attempts = attempts;
  FillConsumed(&record, &sum);
  EXPECT_EQ(&ConsumedUsage(record), &sum);
  EXPECT_EQ(sum.input_tokens(), 1);
}

TEST(ConsumedUsageTest, BeyondTheAnswerIsWhatOthersConsumed) {
  v1::Usage usage;
  usage.set_input_tokens(1);
  v1::Usage lost = usage;
  CallRecord record;
  record.usage = &usage;
  CallAttempt attempt;
  EXPECT_EQ(UsageBeyondAnswer(record, attempt), nullptr);
  attempt.usage = &usage;
  EXPECT_EQ(UsageBeyondAnswer(record, attempt), nullptr);
  attempt.usage = &lost;
  EXPECT_EQ(UsageBeyondAnswer(record, attempt), &lost);
  attempt.replaced = true;
  EXPECT_EQ(UsageBeyondAnswer(record, attempt), nullptr);
  attempt.replaced = false;
  lost.clear_input_tokens();
  EXPECT_EQ(UsageBeyondAnswer(record, attempt), nullptr);
  lost.set_cost_usd_nanos(1);
  EXPECT_EQ(UsageBeyondAnswer(record, attempt), &lost);
}

}  // namespace
}  // namespace gateway
