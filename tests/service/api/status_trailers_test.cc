#include "service/api/status_trailers.h"

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

absl::Status Parse(const std::string& details) {
  google::rpc::Status rpc;
  EXPECT_TRUE(rpc.ParseFromString(details));
  return FromRpcStatus(rpc);
}

TEST(StatusDetailsTest, SaysNothingMoreOfSuccess) {
  const StatusTrailers trailers = ToStatusTrailers(absl::OkStatus());
  EXPECT_EQ(trailers.code, 0);
  EXPECT_EQ(trailers.message, "");
  EXPECT_EQ(trailers.details, "");
  EXPECT_EQ(trailers.pushback_ms, "");
}

TEST(StatusDetailsTest, CarriesReasonFieldAndMetadata) {
  absl::Status status = InvalidField("messages[0].role", "unknown role");
  AddFaultMetadata(status, "limit", "10");
  const StatusTrailers trailers = ToStatusTrailers(status);
  EXPECT_EQ(trailers.code, 3);
  EXPECT_EQ(trailers.message, "messages[0].role: unknown role");
  const absl::Status read = Parse(trailers.details);
  EXPECT_EQ(FaultReason(read), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(FaultMetadata(read, "limit"), "10");
  ASSERT_EQ(FieldViolations(read).size(), 1u);
  EXPECT_EQ(FieldViolations(read)[0].first, "messages[0].role");
}

TEST(StatusDetailsTest, GivesEveryErrorAReason) {
  const StatusTrailers trailers =
      ToStatusTrailers(absl::PermissionDeniedError("no"));
  EXPECT_EQ(trailers.code, 7);
  google::rpc::Status rpc;
  ASSERT_TRUE(rpc.ParseFromString(trailers.details));
  ASSERT_EQ(rpc.details_size(), 1);
  EXPECT_EQ(rpc.details(0).type_url(),
            "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(FaultReason(FromRpcStatus(rpc)), v1::ERROR_REASON_FORBIDDEN);
}

TEST(StatusDetailsTest, BoundsMessageAndDetails) {
  absl::Status status =
      MakeFault(v1::ERROR_REASON_INTERNAL, std::string(10'000, 'm'));
  for (int i = 0; i < 40; ++i) {
    AddFaultMetadata(status, "key_" + std::to_string(i),
                     std::string(500, 'v'));
  }
  const StatusTrailers trailers = ToStatusTrailers(status);
  EXPECT_EQ(trailers.message.size(), kFaultMessageBytesLimit);
  EXPECT_LE(trailers.details.size(),
            kFaultMessageBytesLimit + kFaultDetailsBytesLimit + 16);
  EXPECT_EQ(FaultReason(Parse(trailers.details)), v1::ERROR_REASON_INTERNAL);
}

TEST(StatusDetailsTest, PushesBackAsLongAsWaitingHelps) {
  absl::Status status = MakeFault(v1::ERROR_REASON_RATE_LIMITED, "slow down");
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "-1");
  SetRetryDelay(status, absl::Milliseconds(7000) + absl::Microseconds(1));
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "7001");
  SetRetryDelay(status, absl::ZeroDuration());
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "0");
  SetRetryDelay(status, absl::InfiniteDuration());
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "2147483647");
}

TEST(StatusDetailsTest, TellsClientsNotToRetryWhenMoneyRanOut) {
  absl::Status status = MakeFault(v1::ERROR_REASON_BUDGET_EXCEEDED, "spent");
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "-1");
  SetRetryDelay(status, absl::Hours(1));
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "3600000");
  EXPECT_EQ(ToStatusTrailers(
                MakeFault(v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED, "empty"))
                .pushback_ms,
            "-1");
}

TEST(StatusDetailsTest, TellsClientsNotToRetryOnTopOfWhatWasTried) {
  absl::Status status = MakeFault(v1::ERROR_REASON_DRAINING, "draining");
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "");
  EXPECT_EQ(ToStatusTrailers(status, ClientRetry::kForbidden).pushback_ms,
            "-1");
  SetRetryDelay(status, absl::Seconds(1));
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "1000");
  EXPECT_EQ(ToStatusTrailers(status, ClientRetry::kForbidden).pushback_ms,
            "-1");
  // Whoever has asked the provider, such as a call that was joined.
  for (const v1::ErrorReason reason : {v1::ERROR_REASON_PROVIDER_UNAVAILABLE,
                                       v1::ERROR_REASON_PROVIDER_TIMEOUT,
                                       v1::ERROR_REASON_PROVIDER_BAD_RESPONSE,
                                       v1::ERROR_REASON_STREAM_INTERRUPTED}) {
    status = MakeFault(reason, "failed");
    EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "-1");
    SetRetryDelay(status, absl::Seconds(1));
    EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "-1");
  }
}

TEST(StatusDetailsTest, TellsClientsNotToRetryWhatWaitsForAnOperator) {
  for (const v1::ErrorReason reason :
       {v1::ERROR_REASON_CIRCUIT_OPEN, v1::ERROR_REASON_MODEL_DISABLED}) {
    EXPECT_EQ(ToStatusTrailers(MakeFault(reason, "off")).pushback_ms, "-1");
  }
  absl::Status status = MakeFault(v1::ERROR_REASON_CIRCUIT_OPEN, "rests");
  SetRetryDelay(status, absl::Seconds(2));
  EXPECT_EQ(ToStatusTrailers(status).pushback_ms, "2000");
}

}  // namespace
}  // namespace gateway
