#include "clients/cpp/answer_fault.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

TEST(AnswerFaultTest, AnEventThatIsLostIsSaidToBe) {
  const AnswerFault fault = EventLost("event 3 has come in place of 2");
  EXPECT_EQ(fault.code, absl::StatusCode::kDataLoss);
  EXPECT_EQ(fault.reason, "STREAM_INTERRUPTED");
  EXPECT_EQ(fault.message, "event 3 has come in place of 2");
}

TEST(AnswerFaultTest, AStreamWithoutItsEndBrokeOff) {
  const auto fault = FaultOfEnd(nullptr);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->code, absl::StatusCode::kUnavailable);
  EXPECT_EQ(fault->reason, "STREAM_INTERRUPTED");
  EXPECT_EQ(fault->message, "the stream broke off without its end");
}

TEST(AnswerFaultTest, AnEndSaysItselfWhyItIsNone) {
  v1::StreamEnd end;
  end.set_outcome(v1::StreamEnd::OUTCOME_FINISHED);
  EXPECT_FALSE(FaultOfEnd(&end).has_value());

  end.set_outcome(v1::StreamEnd::OUTCOME_TRUNCATED);
  EXPECT_EQ(FaultOfEnd(&end)->code, absl::StatusCode::kUnknown);
  EXPECT_EQ(FaultOfEnd(&end)->reason, "UNSPECIFIED");
  EXPECT_EQ(FaultOfEnd(&end)->message, "the model did not finish");

  end.mutable_error()->set_reason(v1::ERROR_REASON_CONTENT_POLICY);
  end.mutable_error()->set_message("refused");
  EXPECT_EQ(FaultOfEnd(&end)->reason, "CONTENT_POLICY");
  EXPECT_EQ(FaultOfEnd(&end)->message, "refused");

  end.mutable_error()->set_reason(static_cast<v1::ErrorReason>(9999));
  EXPECT_EQ(FaultOfEnd(&end)->reason, "9999");
}

}  // namespace
}  // namespace gateway
