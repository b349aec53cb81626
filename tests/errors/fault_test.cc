#include "errors/fault.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/cord.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"

namespace gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

TEST(FaultTest, EveryReasonHasACodeAndComesBack) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason =
        static_cast<v1::ErrorReason>(reasons->value(i)->number());
    if (reason == v1::ERROR_REASON_UNSPECIFIED) continue;
    SCOPED_TRACE(std::string(ReasonName(reason)));
    EXPECT_NE(CodeOf(reason), absl::StatusCode::kUnknown);
    EXPECT_NE(CodeOf(reason), absl::StatusCode::kOk);
    const absl::Status status = MakeFault(reason, "why");
    EXPECT_EQ(status.code(), CodeOf(reason));
    EXPECT_EQ(FaultReason(status), reason);
    EXPECT_EQ(FaultReason(FromRpcStatus(ToRpcStatus(status))), reason);
  }
}

TEST(FaultTest, NamesReasonsWithoutTheirPrefix) {
  EXPECT_EQ(ReasonName(v1::ERROR_REASON_PROVIDER_RATE_LIMITED),
            "PROVIDER_RATE_LIMITED");
  EXPECT_EQ(ReasonName(static_cast<v1::ErrorReason>(9999)), "UNSPECIFIED");
}

TEST(FaultTest, AProvidersRefusalOfOurKeyIsNotTheCallersKey) {
  EXPECT_EQ(CodeOf(v1::ERROR_REASON_PROVIDER_AUTH_FAILED),
            absl::StatusCode::kFailedPrecondition);
}

TEST(FaultTest, AStatusMadeElsewhereHasTheReasonThatFits) {
  EXPECT_EQ(FaultReason(absl::OkStatus()), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(FaultReason(absl::UnavailableError("connect refused")),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(FaultReason(absl::CancelledError("")), v1::ERROR_REASON_CANCELLED);
  EXPECT_EQ(FaultReason(absl::DataLossError("")), v1::ERROR_REASON_INTERNAL);
}

TEST(FaultTest, NamesTheFieldsAtFault) {
  absl::Status status = InvalidField("messages[0].role", "must be set");
  AddFieldViolation(status, "model", "must be set");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "messages[0].role: must be set");
  EXPECT_THAT(FieldViolations(status),
              ElementsAre(Pair("messages[0].role", "must be set"),
                          Pair("model", "must be set")));
}

TEST(FaultTest, KeepsTheLastValueOfAMetadataKey) {
  absl::Status status = MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "slow");
  AddFaultMetadata(status, "provider", "a");
  AddFaultMetadata(status, "provider", "b");
  EXPECT_EQ(FaultMetadata(status, "provider"), "b");
  EXPECT_EQ(FaultMetadata(status, "model"), "");
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_TIMEOUT);
}

TEST(FaultTest, MetadataGivesAForeignStatusItsReason) {
  absl::Status status = absl::UnavailableError("connect refused");
  AddFaultMetadata(status, "provider", "openai");
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(FaultMetadata(status, "provider"), "openai");
}

TEST(FaultTest, TellsHowLongToWait) {
  absl::Status status = MakeFault(v1::ERROR_REASON_RATE_LIMITED, "slow down");
  EXPECT_EQ(RetryDelay(status), std::nullopt);
  SetRetryDelay(status, absl::Milliseconds(1500));
  EXPECT_EQ(RetryDelay(status), absl::Milliseconds(1500));
  SetRetryDelay(status, -absl::Seconds(1));
  EXPECT_EQ(RetryDelay(status), absl::ZeroDuration());
  SetRetryDelay(status, absl::InfiniteDuration());
  EXPECT_LT(*RetryDelay(status), absl::InfiniteDuration());
}

TEST(FaultTest, APlaceComesBeforeTheMessageAndDetailsStay) {
  absl::Status status = MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "no");
  SetRetryDelay(status, absl::Seconds(7));
  const absl::Status placed = AtPlace("openai/gpt-x", status);
  EXPECT_EQ(placed.message(), "openai/gpt-x: no");
  EXPECT_EQ(RetryDelay(placed), absl::Seconds(7));
  EXPECT_EQ(FaultReason(placed), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_TRUE(AtPlace("here", absl::OkStatus()).ok());
}

TEST(FaultTest, DetailsOfSuccessAreIgnored) {
  absl::Status status;
  SetRetryDelay(status, absl::Seconds(1));
  AddFaultMetadata(status, "k", "v");
  AddFieldViolation(status, "f", "d");
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(RetryDelay(status), std::nullopt);
}

TEST(FaultTest, SurvivesTheWire) {
  absl::Status status = InvalidField("model", "must be set");
  AddFaultMetadata(status, "provider", "openai");
  SetRetryDelay(status, absl::Seconds(3));
  google::rpc::Status wire;
  ASSERT_TRUE(wire.ParseFromString(ToRpcStatus(status).SerializeAsString()));
  const absl::Status back = FromRpcStatus(wire);
  EXPECT_EQ(back.code(), status.code());
  EXPECT_EQ(back.message(), status.message());
  EXPECT_EQ(RetryDelay(back), absl::Seconds(3));
  EXPECT_EQ(FaultMetadata(back, "provider"), "openai");
  EXPECT_THAT(FieldViolations(back), ElementsAre(Pair("model", "must be set")));
  EXPECT_TRUE(FromRpcStatus(ToRpcStatus(absl::OkStatus())).ok());
}

TEST(FaultTest, CutsALongMessageBetweenCharacters) {
  std::string text(kFaultMessageBytesLimit - 1, 'a');
  text += "\xC3\xA9 tail";
  const google::rpc::Status rpc = ToRpcStatus(absl::InternalError(text));
  EXPECT_EQ(rpc.message(), std::string(kFaultMessageBytesLimit - 1, 'a'));
  const std::string whole(kFaultMessageBytesLimit, 'b');
  EXPECT_EQ(ToRpcStatus(absl::InternalError(whole)).message(), whole);
}

TEST(FaultTest, ReplacesWhatIsNotUtf8) {
  const google::rpc::Status rpc = ToRpcStatus(
      absl::InternalError("a\xFF\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80"
                          "\xE2\x82z\xE2\x82\xAC"));
  EXPECT_EQ(rpc.message(), "a??????????\x3F\x3Fz\xE2\x82\xAC");
}

TEST(FaultTest, BoundsTheDetailsAndKeepsTheReason) {
  absl::Status status = InvalidField("f0", std::string(500, 'd'));
  for (int i = 1; i < 100; ++i) {
    AddFieldViolation(status, "f" + std::to_string(i), std::string(500, 'd'));
  }
  for (int i = 0; i < 10; ++i) {
    AddFaultMetadata(status, "key_" + std::to_string(i),
                     std::string(1000, 'v'));
  }
  SetRetryDelay(status, absl::Seconds(1));
  const google::rpc::Status rpc = ToRpcStatus(status);
  size_t bytes = 0;
  for (const auto& detail : rpc.details()) bytes += detail.ByteSizeLong();
  EXPECT_LE(bytes, kFaultDetailsBytesLimit);
  const absl::Status back = FromRpcStatus(rpc);
  EXPECT_EQ(FaultReason(back), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(RetryDelay(back), absl::Seconds(1));
  EXPECT_EQ(FaultMetadata(back, "key_0"), "");
  ASSERT_THAT(FieldViolations(back), SizeIs(5));
  EXPECT_EQ(FieldViolations(back)[0].first, "f0");
}

TEST(FaultTest, CarriesOtherMessagesButNotPrivateNotes) {
  google::rpc::QuotaFailure quota;
  quota.add_violations()->set_subject("team-a");
  absl::Status status = MakeFault(v1::ERROR_REASON_BUDGET_EXCEEDED, "spent");
  status.SetPayload("type.googleapis.com/google.rpc.QuotaFailure",
                    absl::Cord(quota.SerializeAsString()));
  status.SetPayload("llmgateway.dev/json_path", absl::Cord("x"));
  const google::rpc::Status rpc = ToRpcStatus(status);
  ASSERT_THAT(rpc.details(), SizeIs(2));
  google::rpc::QuotaFailure back;
  ASSERT_TRUE(rpc.details(1).UnpackTo(&back));
  EXPECT_EQ(back.violations(0).subject(), "team-a");
}

TEST(FaultTest, AnUnknownCodeIsUnknown) {
  google::rpc::Status rpc;
  rpc.set_code(99);
  EXPECT_EQ(FromRpcStatus(rpc).code(), absl::StatusCode::kUnknown);
}

TEST(FaultTest, QuotasThatWereExceededAreToldAndBounded) {
  absl::Status fault = MakeFault(v1::ERROR_REASON_RATE_LIMITED, "too much");
  SetRetryDelay(fault, absl::Seconds(3));
  EXPECT_TRUE(QuotaViolations(fault).empty());
  for (int i = 0; i < 10; ++i) {
    AddQuotaViolation(fault, "caller", std::string(10'000, 'x'));
  }
  const auto violations = QuotaViolations(FromRpcStatus(ToRpcStatus(fault)));
  ASSERT_EQ(violations.size(), 4);
  EXPECT_EQ(violations[0].first, "caller");
  EXPECT_EQ(violations[0].second, std::string(200, 'x'));
  EXPECT_EQ(RetryDelay(FromRpcStatus(ToRpcStatus(fault))), absl::Seconds(3));
}

TEST(FaultTest, NoQuotaIsExceededByWhatIsWell) {
  absl::Status fine = absl::OkStatus();
  AddQuotaViolation(fine, "caller", "rpm");
  EXPECT_TRUE(QuotaViolations(fine).empty());
}

}  // namespace
}  // namespace gateway
