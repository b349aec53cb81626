#include "providers/dialects/openai_responses/openai_responses.h"

#include <string>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/golden_files.h"

namespace gateway {
namespace {

v1::ErrorReason GoldenReason(int status, const std::string& name) {
  const std::string body =
      ReadGolden("openai_responses/errors/" + name + ".json");
  return FaultReason(
      OpenAiResponses().ReadError({.status = status, .body = body}));
}

TEST(OpenAiResponsesTest, ErrorsAreThoseOfEveryOpenAiApi) {
  EXPECT_EQ(GoldenReason(400, "invalid"), v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(GoldenReason(400, "previous_not_found"),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(GoldenReason(429, "rate_limit"),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  EXPECT_EQ(GoldenReason(429, "quota"),
            v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED);
  const WireError error = OpenAiResponses().WriteError(
      MakeFault(v1::ERROR_REASON_MODEL_NOT_FOUND, "no such model"), "req-1");
  EXPECT_EQ(error.http_status, 404);
  EXPECT_NE(error.body.find("model_not_found"), std::string::npos);
}

TEST(OpenAiResponsesTest, CountsTokensBothWays) {
  const OpenAiResponses dialect;
  v1::GenerateRequest request;
  const std::string body = R"({"model":"m","input":"hi"})";
  ASSERT_TRUE(dialect.ReadCountRequest(body, &request).ok());
  std::string written;
  ASSERT_TRUE(dialect.WriteCountRequest(request, "m", &written).ok());
  EXPECT_EQ(written, body);
  std::string answer;
  ASSERT_TRUE(dialect.WriteCountResponse(7, &answer).ok());
  EXPECT_EQ(*dialect.ReadCountResponse(answer), 7);
}

TEST(OpenAiResponsesTest, IsCalledAsItsExtensionsSay) {
  EXPECT_EQ(OpenAiResponses().name(), "openai_responses");
  EXPECT_EQ(OpenAiResponses().framing(), Framing::kServerSentEvents);
}

}  // namespace
}  // namespace gateway
