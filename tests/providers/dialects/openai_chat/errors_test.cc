#include "providers/dialects/openai_chat/errors.h"

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "errors/fault.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/errors.pb.h"
#include "providers/dialects/dialect.h"
#include "providers/dialects/error_reason.h"

namespace gateway::chat {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1641038400);

absl::Status ReadError(int status, std::string_view body,
                       std::string_view retry_after = "") {
  return ReadHttpFailure(
      {.status = status, .body = body, .retry_after = retry_after}, kNow);
}

std::string WithCode(std::string_view code) {
  return R"({"error":{"message":"m","type":"t","param":null,"code":")" +
         std::string(code) + "\"}}";
}

TEST(OpenAiChatErrorsTest, ChecksByStatus) {
  const struct {
    int status;
    v1::ErrorReason reason;
  } kCases[] = {
      {400, v1::ERROR_REASON_INVALID_REQUEST},
      {401, v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
      {402, v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
      {403, v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
      {404, v1::ERROR_REASON_MODEL_NOT_FOUND},
      {408, v1::ERROR_REASON_PROVIDER_TIMEOUT},
      {409, v1::ERROR_REASON_PROVIDER_CONFLICT},
      {413, v1::ERROR_REASON_REQUEST_TOO_LARGE},
      {422, v1::ERROR_REASON_INVALID_REQUEST},
      {429, v1::ERROR_REASON_PROVIDER_RATE_LIMITED},
      {500, v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
      {503, v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
      {504, v1::ERROR_REASON_PROVIDER_TIMEOUT},
      {524, v1::ERROR_REASON_PROVIDER_TIMEOUT},
      {529, v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
      {302, v1::ERROR_REASON_PROVIDER_BAD_RESPONSE},
  };
  for (const auto& each : kCases) {
    for (const std::string_view body : {"", "<html>no</html>", "{}"}) {
      const absl::Status status = ReadError(each.status, body);
      EXPECT_EQ(FaultReason(status), each.reason) << each.status;
      EXPECT_EQ(FaultMetadata(status, "http_status"),
                std::to_string(each.status));
    }
  }
}

TEST(OpenAiChatErrorsTest, SomeCodesCountMoreThanTheStatus) {
  const struct {
    int status;
    std::string_view code;
    v1::ErrorReason reason;
  } kCases[] = {
      {429, "insufficient_quota", v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
      {429, "credit_balance_exhausted",
       v1::ERROR_REASON_PROVIDER_QUOTA_EXHAUSTED},
      {400, "context_length_exceeded",
       v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED},
      {400, "content_filter", v1::ERROR_REASON_CONTENT_POLICY},
      {403, "content_policy_violation", v1::ERROR_REASON_CONTENT_POLICY},
      {400, "invalid_api_key", v1::ERROR_REASON_PROVIDER_AUTH_FAILED},
      {400, "model_not_found", v1::ERROR_REASON_MODEL_NOT_FOUND},
      // These do not.
      {500, "context_length_exceeded", v1::ERROR_REASON_PROVIDER_UNAVAILABLE},
      {400, "rate_limit_exceeded", v1::ERROR_REASON_INVALID_REQUEST},
  };
  for (const auto& each : kCases) {
    EXPECT_EQ(FaultReason(ReadError(each.status, WithCode(each.code))),
              each.reason)
        << each.status << each.code;
  }
}

TEST(OpenAiChatErrorsTest, KnowsALongPromptByTheWords) {
  EXPECT_EQ(
      FaultReason(ReadError(400, R"({"error":{"message":"This model's maximum )"
                                 R"(context length is 4096 tokens"}})")),
      v1::ERROR_REASON_CONTEXT_LENGTH_EXCEEDED);
}

TEST(OpenAiChatErrorsTest, NamesTheFieldThatTheProviderNames) {
  const absl::Status status = ReadError(
      400, R"({"error":{"message":"bad","type":"invalid_request_error",)"
           R"("param":"temperature","code":"too_hot"}})");
  ASSERT_EQ(FieldViolations(status).size(), 1u);
  EXPECT_EQ(FieldViolations(status)[0].first, "temperature");
  EXPECT_EQ(FaultMetadata(status, "provider_code"), "too_hot");
  EXPECT_EQ(status.message(), "400: bad");
}

TEST(OpenAiChatErrorsTest, PassesOnHowLongToWaitWhereWaitingHelps) {
  EXPECT_EQ(RetryDelay(ReadError(429, "", "7")), absl::Seconds(7));
  EXPECT_EQ(RetryDelay(ReadError(503, "", "Sat, 01 Jan 2022 12:00:30 GMT")),
            absl::Seconds(30));
  EXPECT_EQ(RetryDelay(ReadError(429, "", "1000000000")), absl::Seconds(300));
  EXPECT_EQ(RetryDelay(ReadError(429, "", "-1")), std::nullopt);
  EXPECT_EQ(RetryDelay(ReadError(429, "")), std::nullopt);
  EXPECT_EQ(RetryDelay(ReadError(429, WithCode("insufficient_quota"), "7")),
            std::nullopt);
  EXPECT_EQ(RetryDelay(ReadError(400, "", "7")), std::nullopt);
}

TEST(OpenAiChatErrorsTest, NeverRepeatsAKey) {
  const absl::Status status = ReadError(
      401, R"({"error":{"message":"Incorrect API key: sk-abcdefgh12345",)"
           R"("code":"sk-abcdefgh12345"}})");
  EXPECT_THAT(status.ToString(), Not(HasSubstr("abcdefgh")));
}

TEST(OpenAiChatErrorsTest, ReadsErrorEventsByTheirCode) {
  EXPECT_EQ(FaultReason(ReadErrorEvent(WithCode("slow_down"))),
            v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(FaultReason(ReadErrorEvent(
                R"({"error":{"type":"invalid_request_error","message":"m"}})")),
            v1::ERROR_REASON_INVALID_REQUEST);
  EXPECT_EQ(
      FaultReason(ReadErrorEvent(R"({"error":{"code":504,"message":"m"}})")),
      v1::ERROR_REASON_PROVIDER_TIMEOUT);
  const absl::Status status =
      ReadErrorEvent(R"({"choices":[{"text":"private"}]})");
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("private")));
}

TEST(OpenAiChatErrorsTest, EveryReasonIsTold) {
  const auto* reasons = v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons->value_count(); ++i) {
    const auto reason =
        static_cast<v1::ErrorReason>(reasons->value(i)->number());
    if (reason == v1::ERROR_REASON_UNSPECIFIED) continue;
    const WireError error = WriteError(MakeFault(reason, "m"));
    EXPECT_GE(error.http_status, 400) << ReasonName(reason);
    if (reason != v1::ERROR_REASON_INTERNAL) {
      EXPECT_NE(error.http_status, 500) << ReasonName(reason);
    }
    EXPECT_THAT(error.body, HasSubstr(R"({"error":{"message":"m","type":")"));
    EXPECT_THAT(error.body, HasSubstr(R"("param":null,"code":)"));
  }
}

TEST(OpenAiChatErrorsTest, TellsCallersInOpenAisWords) {
  absl::Status status = MakeFault(v1::ERROR_REASON_PROVIDER_RATE_LIMITED, "s");
  SetRetryDelay(status, absl::Seconds(3));
  WireError error = WriteError(status);
  EXPECT_EQ(error.http_status, 429);
  EXPECT_EQ(error.body, R"({"error":{"message":"s","type":"rate_limit_error",)"
                        R"("param":null,"code":"rate_limit_exceeded"}})");
  EXPECT_EQ(error.retry_after, absl::Seconds(3));

  error = WriteError(InvalidField("messages[0].role", "must be set"));
  EXPECT_EQ(error.http_status, 400);
  EXPECT_EQ(error.body,
            R"({"error":{"message":"messages[0].role: must be set",)"
            R"("type":"invalid_request_error","param":"messages[0].role",)"
            R"("code":null}})");

  error = WriteError(InvalidField("previous_response_id", "is not remembered"));
  EXPECT_THAT(error.body, HasSubstr(R"("code":"previous_response_not_found")"));
  error = WriteError(ReadError(529, ""));
  EXPECT_EQ(error.http_status, 503);
  EXPECT_THAT(error.body, HasSubstr("server_is_overloaded"));
  EXPECT_EQ(WriteError(ReadError(500, "")).http_status, 502);
  EXPECT_EQ(WriteError(ReadError(401, "")).http_status, 502);
}

TEST(OpenAiChatErrorsTest, AMessageThatIsNotTextIsMadeText) {
  EXPECT_EQ(WriteErrorBody(absl::InternalError("a\xFF")),
            R"({"error":{"message":"a?","type":"server_error","param":null,)"
            R"("code":null}})");
}

}  // namespace
}  // namespace gateway::chat
