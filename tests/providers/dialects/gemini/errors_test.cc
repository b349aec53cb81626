#include "providers/dialects/gemini/errors.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/error_reason.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

absl::Status Fault(int status, std::string_view golden) {
  const std::string body =
      ReadGolden("gemini/errors/" + std::string(golden) + ".json");
  return ReadHttpFailure({.status = status, .body = body}, absl::UnixEpoch());
}

TEST(GeminiErrorsTest, EveryGoldenHasItsReason) {
  struct Case {
    int status;
    std::string_view golden;
    v1::ErrorReason reason;
  };
  for (const Case& each : {
           Case{429, "rate_limit", v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
           Case{429, "daily_quota", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
           Case{400, "api_key", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
           Case{400, "region", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
           Case{400, "prompt_too_long",
                v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
           Case{400, "bad_argument", v1::ERROR_REASON_INVALID_REQUEST},
           Case{404, "not_found", v1::ERROR_REASON_MODEL_NOT_FOUND},
           Case{503, "overloaded", v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
       }) {
    const absl::Status fault = Fault(each.status, each.golden);
    EXPECT_EQ(FaultReason(fault), each.reason) << each.golden;
    EXPECT_EQ(FaultMetadata(fault, "http_status"), std::to_string(each.status));
  }
}

TEST(GeminiErrorsTest, OnlyWhatPassesSaysHowLongToWait) {
  EXPECT_EQ(RetryDelay(Fault(429, "rate_limit")), absl::Seconds(37));
  EXPECT_EQ(RetryDelay(Fault(429, "daily_quota")), std::nullopt);
  EXPECT_EQ(
      RetryDelay(ReadHttpFailure(
          {.status = 503, .body = "", .retry_after = "9"}, absl::UnixEpoch())),
      absl::Seconds(9));
}

TEST(GeminiErrorsTest, AStatusWithoutABodyIsEnough) {
  const auto reason = [](int status) {
    return FaultReason(ReadHttpFailure({.status = status}, absl::UnixEpoch()));
  };
  EXPECT_EQ(reason(403), v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(reason(499), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(reason(504), v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(reason(500), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST(GeminiErrorsTest, AnErrorOfAStreamIsReadByItsNumberOrItsWord) {
  EXPECT_EQ(FaultReason(ReadErrorReport(R"({"error":{"code":429}})")),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(FaultReason(
                ReadErrorReport(R"({"error":{"status":"DEADLINE_EXCEEDED"}})")),
            v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(FaultReason(ReadErrorReport(R"({"error":{}})")),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST(GeminiErrorsTest, CallersAreToldInTheFormatsWords) {
  absl::Status status = MakeFault(v1::ERROR_REASON_RATE_LIMITED, "slow down");
  SetRetryDelay(status, absl::Milliseconds(1500));
  const WireError error = WriteError(status);
  EXPECT_EQ(error.http_status, 429);
  EXPECT_EQ(error.retry_after, absl::Milliseconds(1500));
  EXPECT_TRUE(SameJson(error.body, R"({"error":{"code":429,
      "message":"slow down","status":"RESOURCE_EXHAUSTED","details":[
        {"@type":"type.googleapis.com/google.rpc.ErrorInfo",
         "reason":"RATE_LIMITED","domain":"llmgateway.dev"},
        {"@type":"type.googleapis.com/google.rpc.RetryInfo",
         "retryDelay":"1.5s"}]}})"));
}

TEST(GeminiErrorsTest, TheFieldAtFaultIsNamed) {
  const WireError error =
      WriteError(InvalidField("contents[0].role", "must be user or model"));
  EXPECT_EQ(error.http_status, 400);
  EXPECT_NE(
      error.body.find(R"("fieldViolations":[{"field":"contents[0].role",)"),
      std::string::npos);
}

TEST(GeminiErrorsTest, EveryReasonIsTold) {
  for (int number = v1::ErrorReason_MIN; number <= v1::ErrorReason_MAX;
       ++number) {
    if (!v1::ErrorReason_IsValid(number) || number == 0) continue;
    const auto reason = static_cast<v1::ErrorReason>(number);
    const WireError error = WriteError(MakeFault(reason, "text"));
    EXPECT_GE(error.http_status, 400) << number;
    if (reason != v1::ERROR_REASON_INTERNAL) {
      EXPECT_NE(error.http_status, 500) << number;
    }
  }
}

TEST(GeminiErrorsTest, AnOverloadedProviderIsToldAsSuch) {
  EXPECT_EQ(WriteError(Fault(503, "overloaded")).http_status, 503);
  EXPECT_EQ(WriteError(Fault(529, "overloaded")).http_status, 503);
  EXPECT_EQ(WriteError(ReadHttpFailure({.status = 500}, absl::UnixEpoch()))
                .http_status,
            502);
}

}  // namespace
}  // namespace gateway::gemini
