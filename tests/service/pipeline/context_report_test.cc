#include "service/pipeline/context_report.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/usage.pb.h"
#include "service/context/context_tier.h"

namespace gateway {
namespace {

ContextReport ReportOf(int64_t tokens, ContextMode mode = ContextMode::kAuto) {
  const ContextUse use = {.tokens = tokens, .limit = 8192};
  return {.use = use, .plan = PlanContext(use, mode)};
}

TEST(ContextReportTest, IsToldInTexts) {
  const ContextTexts texts(ReportOf(3000));
  EXPECT_EQ(texts.action, "validate");
  EXPECT_EQ(texts.routed, "true");
  EXPECT_EQ(texts.tier, "2");
  EXPECT_EQ(texts.token_count, "3000");
  EXPECT_EQ(texts.token_limit, "8192");
  EXPECT_EQ(texts.headroom_percent, "63");
  EXPECT_EQ(ContextTexts(ReportOf(3000, ContextMode::kNone)).routed, "false");
}

TEST(ContextReportTest, IsToldInAMessage) {
  llmgateway::v1::ContextBudget budget;
  FillContextBudget(ReportOf(3000), &budget);
  EXPECT_EQ(budget.tier(), 2);
  EXPECT_EQ(budget.token_count(), 3000);
  EXPECT_EQ(budget.token_limit(), 8192);
  EXPECT_EQ(budget.headroom_percent(), 63);
  EXPECT_TRUE(budget.routed());
}

TEST(ContextReportTest, AServiceThatIsAwayIsNoFaultOfTheCallers) {
  const absl::Status fault = ContextServiceIsAway(ReportOf(4096));
  EXPECT_EQ(fault.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_CONTEXT_SERVICE_UNAVAILABLE);
  EXPECT_EQ(FaultMetadata(fault, "tier"), "3");
  EXPECT_EQ(RetryDelay(fault), absl::Seconds(1));
}

TEST(ContextReportTest, WarnsWhereAnAnswerMayNotFindRoom) {
  EXPECT_EQ(ContextWarning(ReportOf(6963)), "");
  EXPECT_EQ(ContextWarning(ReportOf(6964)),
            "the prompt takes about 6964 of the 8192 tokens of the model's "
            "context; an answer may not find room");
}

}  // namespace
}  // namespace gateway
