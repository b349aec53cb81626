#include "providers/dialects/account_refusal.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "errors/verdict.h"
#include "gtest/gtest.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/error_reason.h"

namespace gateway {
namespace {

// {"error": {...}} as OpenAI and its kin write it.
std::string OpenAiBody(std::string_view type, std::string_view code,
                       std::string_view message = "m") {
  return R"({"error":{"message":")" + std::string(message) + R"(","type":")" +
         std::string(type) + R"(","param":null,"code":")" + std::string(code) +
         "\"}}";
}

std::string AnthropicBody(std::string_view type,
                          std::string_view message = "m") {
  return R"({"type":"error","error":{"type":")" + std::string(type) +
         R"(","message":")" + std::string(message) + R"("},"request_id":"r"})";
}

absl::Status FailureWith(int status, std::string_view body) {
  return ReadHttpFailure({.status = status, .body = body}, absl::UnixEpoch());
}

// What becomes of the credential: `out` if it is taken out, `stays` if others
// may go on with it.
std::string_view KeyAfter(int status, std::string_view body) {
  const absl::Status fault =
      status == 0 ? ReadErrorReport(body) : FailureWith(status, body);
  const bool is_out = ClassifyFailure(fault) == Verdict::kCredentialRefused;
  EXPECT_FALSE(BlamesTarget(ClassifyFailure(fault))) << body;
  return is_out ? "out" : "stays";
}

// The reason is one of google.rpc.ErrorInfo.
std::string GoogleBody(int code, std::string_view status,
                       std::string_view message, std::string_view reason = "") {
  const std::string details =
      reason.empty() ? ""
                     : R"(,"details":[{"@type":"type.googleapis.com/)"
                       R"(google.rpc.ErrorInfo","reason":")" +
                           std::string(reason) + R"("}])";
  return R"({"error":{"code":)" + std::to_string(code) + R"(,"message":")" +
         std::string(message) + R"(","status":")" + std::string(status) + "\"" +
         details + "}}";
}

TEST(AccountRefusalTest, WhatACallerAsksForTakesNoKeyOut) {
  const std::string no_file =
      GoogleBody(403, "PERMISSION_DENIED",
           "You do not have permission to access the File zz or it may not "
           "exist.");
  EXPECT_EQ(KeyAfter(403, no_file), "stays");
  EXPECT_EQ(KeyAfter(0, no_file), "stays");
  EXPECT_EQ(ReasonName(FaultReason(FailureWith(403, no_file))),
            "PROVIDER_AUTH_FAILED");
  EXPECT_EQ(FaultMetadata(FailureWith(403, no_file), "refused"), "access");
  EXPECT_EQ(KeyAfter(400, GoogleBody(400, "FAILED_PRECONDITION",
                               "The File zz is not in an ACTIVE state.")),
            "stays");
  EXPECT_EQ(KeyAfter(403, ""), "stays");
  EXPECT_EQ(KeyAfter(403, "<html>Attention required</html>"), "stays");
  EXPECT_EQ(KeyAfter(403, OpenAiBody("invalid_request_error", "",
                                 "You are not allowed to use this model")),
            "stays");
  EXPECT_EQ(KeyAfter(403, AnthropicBody("permission_error",
                                    "Your API key does not have permission to "
                                    "use the specified resource")),
            "stays");
  EXPECT_EQ(KeyAfter(0, AnthropicBody("permission_error")), "stays");
  // The caller's own words, which the vendor repeats.
  for (const std::string_view echoed :
       {"tools.0.custom.name: 'credit balance' should match",
        "messages.0: 'Your credit balance is too low'",
        "metadata.user_id: 'usage limits'", "system: 'spend limit'",
        "stop_sequences: 'User location is not supported'"}) {
    const absl::Status fault =
        FailureWith(400, AnthropicBody("invalid_request_error", echoed));
    EXPECT_EQ(FaultReason(fault), v1::ERROR_REASON_INVALID_REQUEST) << echoed;
  }
}

TEST(AccountRefusalTest, WhatNamesTheKeyOrItsAccountTakesItOut) {
  for (const std::string_view reason :
       {"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "CONSUMER_SUSPENDED",
        "SERVICE_DISABLED", "BILLING_DISABLED"}) {
    const std::string body = GoogleBody(403, "PERMISSION_DENIED", "m", reason);
    EXPECT_EQ(KeyAfter(403, body), "out") << reason;
  }
  for (const std::string_view message :
       {"Your API key was reported as leaked. Please use another API key.",
        "Your project has been denied access. Please contact support.",
        "Method doesn't allow unregistered callers (callers without ...)"}) {
    const std::string body = GoogleBody(403, "PERMISSION_DENIED", message);
    EXPECT_EQ(KeyAfter(403, body), "out") << message;
  }
  EXPECT_EQ(KeyAfter(400, GoogleBody(400, "FAILED_PRECONDITION",
                               "User location is not supported for the API "
                               "use.")),
            "out");
  EXPECT_EQ(
      KeyAfter(403, OpenAiBody("", "unsupported_country_region_territory")),
      "out");
  EXPECT_EQ(KeyAfter(403, OpenAiBody("", "403",
                                 "Access denied due to Virtual Network/"
                                 "Firewall rules.")),
            "out");
  EXPECT_EQ(KeyAfter(401, ""), "out");
  EXPECT_EQ(KeyAfter(401, OpenAiBody("", "PermissionDenied")), "out");
  EXPECT_EQ(KeyAfter(403, AnthropicBody("authentication_error")), "out");
  EXPECT_EQ(KeyAfter(403, AnthropicBody("permission_error",
                                    "This organization has been disabled.")),
            "out");
  EXPECT_EQ(KeyAfter(400, AnthropicBody("invalid_request_error",
                                    "You have reached your specified "
                                    "workspace API usage limits.")),
            "out");
}

}  // namespace
}  // namespace gateway
