#include "service/limits/limit_fault.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "llmgateway/config/v1/rate_limits.pb.h"
#include "llmgateway/v1/errors.pb.h"
#include "tests/service/limits/limited_calls.h"

namespace gateway {
namespace {

using LimitFaultTest = LimitedCallsTest;

TEST_F(LimitFaultTest, ARefusalNamesTheLimitWithTheLongestWait) {
  Add(R"(name: "second" unit: LIMIT_UNIT_REQUESTS limit: 1
         window { seconds: 1 })");
  Add(R"(name: "hour" unit: LIMIT_UNIT_REQUESTS limit: 1
         window { seconds: 3600 } per: LIMIT_DIMENSION_CALLER
         per: LIMIT_DIMENSION_USER)");
  Add(R"(name: "free" unit: LIMIT_UNIT_REQUESTS limit: 100)");
  subject_.Set(::llmgateway::config::v1::LIMIT_DIMENSION_USER, "secret-name");
  EXPECT_NE(LetIn(), nullptr);
  const absl::Status refusal = Refusal();
  EXPECT_EQ(refusal.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(FaultReason(refusal), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(refusal, "limit"), "hour");
  EXPECT_EQ(RetryDelay(refusal), absl::Hours(1));
  EXPECT_EQ(refusal.message(),
            "the limit hour of 1 request per 1h for each caller, user is "
            "reached: try again in 1h");
  using Violations = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(QuotaViolations(refusal),
            (Violations{{"all calls", "second: 1 request per 1s"},
                        {"caller, user",
                         "hour: 1 request per 1h for each caller, user"}}));
  EXPECT_EQ(ToRpcStatus(refusal).details_size(), 3);
  EXPECT_EQ(refusal.ToString().find("secret-name"), std::string::npos);
}

TEST_F(LimitFaultTest, MoreThanIsLetPassAtOnceIsNotToBeTriedAgain) {
  Add(R"(name: "in" unit: LIMIT_UNIT_INPUT_TOKENS limit: 1000 burst: 100)");
  const absl::Status refusal = Refusal({.input_tokens = 101});
  EXPECT_EQ(FaultReason(refusal), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(RetryDelay(refusal), std::nullopt);
  EXPECT_EQ(refusal.message(),
            "the limit in of 1000 input tokens per 1m is reached: this call "
            "asks for 101 input tokens, and 100 input tokens are let pass at "
            "once; ask for less");
  EXPECT_NE(LetIn({.input_tokens = 100}), nullptr);
}

TEST_F(LimitFaultTest, TooManyCallsAtOnceHaveAReasonOfTheirOwn) {
  Add(R"(name: "calls" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 1
         per: LIMIT_DIMENSION_CALLER)");
  const auto held = LetIn();
  const absl::Status refusal = Refusal();
  EXPECT_EQ(FaultReason(refusal), v1::ERROR_REASON_CONCURRENCY_LIMITED);
  EXPECT_EQ(FaultMetadata(refusal, "limit"), "calls");
  EXPECT_EQ(FaultMetadata(refusal, "rule"), "");
  EXPECT_EQ(RetryDelay(refusal), absl::Seconds(1));
  EXPECT_EQ(refusal.message(),
            "the limit calls of 1 call at once for each caller is reached: "
            "try again when one of them has ended");
}

TEST_F(LimitFaultTest, WhatIsRefusedForATimeAsWellIsToldAsThat) {
  Add(R"(name: "calls" unit: LIMIT_UNIT_CONCURRENT_CALLS limit: 1)");
  Add(R"(name: "rpm" unit: LIMIT_UNIT_REQUESTS limit: 1)");
  const auto held = LetIn();
  const absl::Status refusal = Refusal();
  EXPECT_EQ(FaultReason(refusal), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_EQ(FaultMetadata(refusal, "limit"), "rpm");
  EXPECT_EQ(QuotaViolations(refusal).size(), 2);
}

}  // namespace
}  // namespace gateway
