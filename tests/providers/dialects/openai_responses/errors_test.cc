#include "providers/dialects/openai_responses/errors.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::responses {
namespace {

v1::ErrorReason ReasonOf(std::string_view error) {
  return FaultReason(ReadFailure(error));
}

TEST(ErrorsTest, AFailedAnswerSaysWhy) {
  EXPECT_EQ(ReasonOf(R"({"code":"server_error","message":"m"})"),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(R"({"code":"rate_limit_exceeded","message":"m"})"),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(ReasonOf(R"({"code":"insufficient_quota","message":"m"})"),
            v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED);
  EXPECT_EQ(ReasonOf(R"({"code":"invalid_image_url","message":"m"})"),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(ReasonOf(R"({"code":"bio_policy","message":"m"})"),
            v1::ERROR_REASON_CONTENT_POLICY);
  EXPECT_EQ(ReasonOf(R"({"code":"what is new","message":"m"})"),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf("[]"), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(ErrorsTest, AnErrorEventIsFlatOrNested) {
  const absl::Status flat = ReadErrorEvent(
      R"({"type":"error","code":"rate_limit_exceeded","message":"Slow.",
          "param":null,"sequence_number":3})");
  EXPECT_EQ(FaultReason(flat), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(flat.message(), "Slow.");
  const absl::Status nested = ReadErrorEvent(
      R"({"type":"error","sequence_number":2,"error":{
          "type":"insufficient_quota","code":"insufficient_quota",
          "message":"Pay.","param":null}})");
  EXPECT_EQ(FaultReason(nested), v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED);
  EXPECT_EQ(nested.message(), "Pay.");
}

TEST(ErrorsTest, WhatIsNoErrorIsABadAnswer) {
  EXPECT_EQ(FaultReason(ReadErrorEvent("{")),
            v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(ErrorsTest, OurFaultsAreToldInTheFormatsWords) {
  EXPECT_EQ(FailureCode(v1::ERROR_REASON_PROVIDER_RATE_LIMITED),
            "rate_limit_exceeded");
  EXPECT_EQ(FailureCode(v1::ERROR_REASON_CONTENT_POLICY), "invalid_prompt");
  EXPECT_EQ(FailureCode(v1::ERROR_REASON_STREAM_INTERRUPTED), "server_error");
  EXPECT_TRUE(
      SameJson(WriteErrorObject(
                   MakeFault(v1::ERROR_REASON_PROVIDER_TIMEOUT, "too slow")),
               R"({"message":"too slow","type":"server_error","param":null,
          "code":"timeout"})"));
}

}  // namespace
}  // namespace gateway::responses
