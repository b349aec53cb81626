#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "providers/dialects/error_reason.h"
#include "tests/providers/dialects/golden_files.h"

namespace gateway::ollama {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000'000);

v1::ErrorReason ReasonOf(int status, std::string_view body) {
  return FaultReason(ReadHttpFailure({.status = status, .body = body}, kNow));
}

v1::ErrorReason GoldenReason(int status, const std::string& name) {
  return ReasonOf(status, ReadGolden("ollama/errors/" + name + ".json"));
}

TEST(ReadErrorTest, UnderstandsWhatTheProviderSays) {
  EXPECT_EQ(GoldenReason(404, "not_found"), v1::ERROR_REASON_MODEL_NOT_FOUND);
  EXPECT_EQ(GoldenReason(400, "no_thinking"),
            v1::ERROR_REASON_CAPABILITY_UNSUPPORTED);
  EXPECT_EQ(GoldenReason(503, "busy"), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(GoldenReason(401, "sign_in"),
            v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(GoldenReason(400, "too_long"),
            v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
  EXPECT_EQ(GoldenReason(500, "too_long"),
            v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
}

TEST(ReadErrorTest, TheStatusIsEnough) {
  EXPECT_EQ(ReasonOf(400, ""), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(ReasonOf(401, ""), v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(ReasonOf(403, ""), v1::ERROR_REASON_PROVIDER_AUTH_FAILED);
  EXPECT_EQ(ReasonOf(404, ""), v1::ERROR_REASON_MODEL_NOT_FOUND);
  EXPECT_EQ(ReasonOf(429, ""), v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(ReasonOf(499, ""), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(500, ""), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(502, ""), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(503, ""), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(ReasonOf(504, ""), v1::ERROR_REASON_PROVIDER_TIMEOUT);
  EXPECT_EQ(ReasonOf(302, ""), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(ReadErrorTest, KeepsTheWordsTheStatusAndTheWait) {
  const absl::Status status = ReadHttpFailure(
      {.status = 503, .body = R"({"error":"server busy"})", .retry_after = "7"},
      kNow);
  EXPECT_EQ(status.message(), "503: server busy");
  EXPECT_EQ(FaultMetadata(status, "http_status"), "503");
  EXPECT_EQ(RetryDelay(status), absl::Seconds(7));
  // No wait makes a model appear.
  EXPECT_FALSE(
      RetryDelay(ReadHttpFailure({.status = 404, .retry_after = "7"}, kNow))
          .has_value());
}

TEST(ReadErrorTest, NeverRepeatsAKey) {
  const absl::Status status = ReadHttpFailure(
      {.status = 400, .body = R"({"error":"bad key sk-abcdefghijkl"})"}, kNow);
  EXPECT_THAT(std::string(status.message()), HasSubstr("[secret]"));
}

TEST(ReadErrorLineTest, TellsWhyAStreamBroke) {
  const absl::Status status =
      ReadErrorReport(R"({"error":"llama runner terminated"})");
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(status.message(), "llama runner terminated");
  EXPECT_EQ(
      FaultReason(ReadErrorReport(R"({"error":"context length exceeded"})")),
      v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
  EXPECT_EQ(ReadErrorReport(R"({"error":{}})").message(),
            "no reason was given");
}

}  // namespace
}  // namespace gateway::ollama
