#include "service/rpc/size_fault.h"

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(SizeFaultTest, HasTheCodeOfTheProtocolAndTheReasonOfTheContract) {
  const absl::Status status = SizeFault("9 bytes are too many", 8);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(status.message(), "9 bytes are too many");
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_REQUEST_TOO_LARGE);
  EXPECT_EQ(FaultMetadata(status, "limit"), "8");
  EXPECT_FALSE(RetryDelay(status).has_value());
}

TEST(SizeFaultTest, ACallerIsToldToTryAgain) {
  const absl::Status status = BudgetSpent();
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(RetryDelay(status), absl::Seconds(1));
}

}  // namespace
}  // namespace gateway
