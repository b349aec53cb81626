#include "service/cache/idempotency_fault.h"

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(IdempotencyFaultTest, EachNamesTheCallThatHadTheKey) {
  EXPECT_EQ(FaultMetadata(KeyMismatch("call_1"), "request_id"), "call_1");
  for (const absl::Status& fault :
       {KeyedAnswerNotKept("call_1"), KeyedCallLost("call_1")}) {
    EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_CONFLICT);
    EXPECT_EQ(FaultMetadata(fault, "resource"), "idempotency_key");
    EXPECT_TRUE(absl::StrContains(fault.message(), "call_1")) << fault;
    EXPECT_FALSE(RetryDelay(fault)) << "the key is of no use any more";
  }
}

TEST(IdempotencyFaultTest, WhoFindsNoRoomComesAgainAndKnowsTheLimit) {
  const absl::Status fault = NoRoomForKey("idempotency.entries_limit");
  EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_OVERLOADED);
  EXPECT_EQ(FaultMetadata(fault, "limit"), "idempotency.entries_limit");
  EXPECT_TRUE(absl::StrContains(fault.message(), "idempotency.entries_limit"));
  EXPECT_EQ(RetryDelay(fault), absl::Seconds(5));
}

TEST(IdempotencyFaultTest, WhoCannotBeAskedIsAskedLater) {
  EXPECT_EQ(FaultReason(KeysUnavailable()), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_TRUE(RetryDelay(KeysUnavailable()));
}

}  // namespace
}  // namespace gateway
