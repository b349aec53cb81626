#include "providers/dialects/anthropic_messages/errors.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "providers/dialects/error_reason.h"
#include "tests/providers/dialects/golden_files.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::anthropic {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'000'000'000);

absl::Status ReadNow(const HttpFailure& failure) {
  return ReadHttpFailure(failure, kNow);
}

v1::ErrorReason ReasonOf(int status, std::string_view body) {
  return FaultReason(ReadNow({.status = status, .body = body}));
}

v1::ErrorReason GoldenReason(int status, const std::string& name) {
  return ReasonOf(status,
                  ReadGolden("anthropic_messages/errors/" + name + ".json"));
}

TEST(ReadErrorTest, UnderstandsWhatTheProviderSays) {
  EXPECT_EQ(GoldenReason(429, "rate_limit"),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(GoldenReason(400, "prompt_too_long"),
            v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
  EXPECT_EQ(GoldenReason(400, "credit"),
            v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED);
  EXPECT_EQ(GoldenReason(401, "authentication"),
            v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(GoldenReason(529, "overloaded"),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(GoldenReason(404, "not_found"), v1::ERROR_REASON_MODEL_NOT_FOUND);
}

TEST(ReadErrorTest, TheStatusIsEnough) {
  EXPECT_EQ(ReasonOf(400, ""), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(ReasonOf(401, ""), v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(ReasonOf(402, ""), v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED);
  EXPECT_EQ(ReasonOf(403, ""), v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(ReasonOf(408, ""), v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(ReasonOf(409, ""), v1::ERROR_REASON_PROVIDER_CONFLICT);
  EXPECT_EQ(ReasonOf(413, ""), v1::ERROR_REASON_REQUEST_TOO_LARGE);
  EXPECT_EQ(ReasonOf(422, ""), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(ReasonOf(429, ""), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(ReasonOf(500, ""), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(503, ""), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(504, ""), v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(ReasonOf(302, ""), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(ReadErrorTest, KeepsStatusTypeAndWaitingTime) {
  const absl::Status status =
      ReadNow({.status = 429,
               .body = R"({"type":"error","error":{"type":"rate_limit_error",
                   "message":"slow down"}})",
               .retry_after = "7"});
  EXPECT_EQ(status.message(), "429: slow down");
  EXPECT_EQ(FaultMetadata(status, "http_status"), "429");
  EXPECT_EQ(FaultMetadata(status, "provider_error_type"), "rate_limit_error");
  EXPECT_EQ(RetryDelay(status), absl::Seconds(7));
}

TEST(ReadErrorTest, CountsADateFromNow) {
  EXPECT_EQ(
      RetryDelay(ReadNow(
          {.status = 529, .retry_after = "Sun, 09 Sep 2001 01:46:45 GMT"})),
      absl::Seconds(5));
}

TEST(ReadErrorTest, WaitingDoesNotHelpAgainstAWrongRequest) {
  EXPECT_FALSE(
      RetryDelay(ReadNow({.status = 400, .retry_after = "7"})).has_value());
  EXPECT_FALSE(
      RetryDelay(ReadNow({.status = 402, .retry_after = "7"})).has_value());
}

TEST(ReadErrorTest, ShowsNoKeys) {
  const std::string secret = "sk-ant-api03-abcdefghijklmnop";
  const absl::Status status = ReadNow(
      {.status = 401,
       .body = R"({"type":"error","error":{"type":"authentication_error",)"
               R"("message":"bad key )" +
               secret + "\"}}"});
  EXPECT_EQ(status.ToString().find("abcdefghijklmnop"), std::string::npos);
}

TEST(ReadErrorTest, BoundsWhatIsNoErrorBody) {
  const absl::Status status =
      ReadNow({.status = 502, .body = std::string(100000, 'x')});
  EXPECT_LE(status.message().size(), 1024u);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST(ReadErrorEventTest, TheTypeDecides) {
  const auto reason = [](std::string_view type, std::string_view message) {
    return FaultReason(ReadErrorReport(R"({"type":"error","error":{"type":")" +
                                       std::string(type) + R"(","message":")" +
                                       std::string(message) + "\"}}"));
  };
  EXPECT_EQ(reason("overloaded_error", "x"),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(reason("timeout_error", "x"), v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(reason("permission_error", "x"),
            v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(reason("invalid_request_error", "x"),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(reason("invalid_request_error", "Prompt is too long: 9 > 8"),
            v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
  EXPECT_EQ(reason("invalid_request_error",
                   "Output blocked by content filtering "
                   "policy"),
            v1::ERROR_REASON_CONTENT_POLICY);
  EXPECT_EQ(reason("novel_error", "x"), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(FaultReason(ReadErrorReport("?")),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
}

TEST(WriteErrorTest, SaysItInTheFormatsWords) {
  const WireError error = WriteError(
      MakeFault(v1::ERROR_REASON_RATE_LIMITED, "say \"please\""), "req_1");
  EXPECT_EQ(error.http_status, 429);
  EXPECT_TRUE(SameJson(error.body,
                       R"({"type":"error","error":{"type":"rate_limit_error",
                           "message":"say \"please\""},
                           "request_id":"req_1"})"));
}

TEST(WriteErrorTest, PassesTheWaitingTimeOn) {
  absl::Status status = MakeFault(v1::ERROR_REASON_OVERLOADED, "busy");
  SetRetryDelay(status, absl::Seconds(3));
  const WireError error = WriteError(status, "");
  EXPECT_EQ(error.http_status, 529);
  EXPECT_EQ(error.retry_after, absl::Seconds(3));
  EXPECT_EQ(error.body.find("request_id"), std::string::npos);
}

TEST(WriteErrorTest, TellsOverloadFromFailure) {
  const auto status_of = [](int upstream) {
    return WriteError(ReadNow({.status = upstream}), "").http_status;
  };
  EXPECT_EQ(status_of(500), 502);
  EXPECT_EQ(status_of(503), 529);
  EXPECT_EQ(status_of(529), 529);
}

// A caller must never think that its own key is wrong when ours is.
TEST(WriteErrorTest, DoesNotBlameTheCallerForTheGatewaysCredential) {
  EXPECT_EQ(WriteError(ReadNow({.status = 401}), "").http_status, 502);
  EXPECT_EQ(WriteError(ReadNow({.status = 403}), "").http_status, 502);
}

TEST(WriteErrorTest, HasWordsForEveryReason) {
  for (int i = 1; i < v1::ErrorReason_ARRAYSIZE; ++i) {
    if (!v1::ErrorReason_IsValid(i)) continue;
    const auto reason = static_cast<v1::ErrorReason>(i);
    const WireError error = WriteError(MakeFault(reason, "x"), "");
    EXPECT_GE(error.http_status, 400) << ReasonName(reason);
    // Only our own mistake may be told as one.
    EXPECT_EQ(error.http_status == 500, reason == v1::ERROR_REASON_INTERNAL)
        << ReasonName(reason);
  }
}

TEST(WriteErrorTest, WhatWasOnceAnErrorOfAnotherRoomIsToldByItsCode) {
  EXPECT_EQ(WriteError(absl::InvalidArgumentError("x"), "").http_status, 400);
  EXPECT_EQ(WriteError(absl::InternalError("x"), "").http_status, 500);
  EXPECT_EQ(WriteError(absl::DeadlineExceededError("x"), "").http_status, 504);
}

}  // namespace
}  // namespace gateway::anthropic
