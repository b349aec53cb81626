#include "service/api/call_faults.h"

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(CallFaultsTest, HaveTheReasonsOfTheContract) {
  EXPECT_EQ(FaultReason(DeadlinePassed()),
            v1::ERROR_REASON_DEADLINE_EXCEEDED);
  EXPECT_EQ(FaultReason(Draining()), v1::ERROR_REASON_DRAINING);
  EXPECT_EQ(FaultReason(CallerGone()), v1::ERROR_REASON_CANCELLED);
  EXPECT_EQ(FaultReason(NoRequestMessage()),
            v1::ERROR_REASON_INVALID_REQUEST);
}

TEST(CallFaultsTest, NameTheMessageThatWasExpected) {
  const absl::Status fault = NotAMessage(google::rpc::Status());
  EXPECT_EQ(fault.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldViolations(fault)[0].second,
            "not a valid google.rpc.Status");
}

}  // namespace
}  // namespace gateway
