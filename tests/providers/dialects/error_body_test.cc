#include "providers/dialects/error_body.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/text/json.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

using Form = ErrorBody::Form;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(ErrorBodyTest, ReadsOpenAi) {
  const ErrorBody error = ReadErrorBody(
      R"({"error":{"message":"slow down","type":"rate_limit_error",)"
      R"("param":null,"code":"rate_limit_exceeded"}})");
  EXPECT_EQ(error.form, Form::kOpenAi);
  EXPECT_EQ(error.message, "slow down");
  EXPECT_EQ(error.type, "rate_limit_error");
  EXPECT_EQ(error.code, "rate_limit_exceeded");
  EXPECT_EQ(error.param, "");
  EXPECT_EQ(error.number, std::nullopt);
}

TEST(ErrorBodyTest, ReadsAnthropic) {
  const ErrorBody error =
      ReadErrorBody(R"({"error":{"type":"overloaded_error","message":"busy"},)"
                    R"("type":"error"})");
  EXPECT_EQ(error.form, Form::kAnthropic);
  EXPECT_EQ(error.type, "overloaded_error");
  EXPECT_EQ(error.message, "busy");
}

TEST(ErrorBodyTest, ReadsGeminiWithItsDelay) {
  for (
      const std::string_view text :
      {R"([{"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED",)"
       R"("details":[{"@type":"x","retryDelay":"1.5s"}]}}])",
       R"({"error":{"code":429,"message":"m","status":"RESOURCE_EXHAUSTED",)"
       R"("details":[{"reason":"API_KEY_INVALID"},{"retryDelay":"1.5s"}]}})"}) {
    const ErrorBody error = ReadErrorBody(text);
    EXPECT_EQ(error.form, Form::kGemini);
    EXPECT_EQ(error.status, "RESOURCE_EXHAUSTED");
    EXPECT_EQ(error.number, 429);
    EXPECT_EQ(error.retry_after, absl::Milliseconds(1500));
  }
}

TEST(ErrorBodyTest, KnowsAQuotaOfADay) {
  for (const auto& [quota, is_daily] :
       {std::pair("RequestsPerDayPerModel", true),
        std::pair("RequestsPerMinutePerModel", false)}) {
    const ErrorBody error = ReadErrorBody(absl::StrCat(
        R"({"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[)"
        R"({"violations":[7,{"quotaId":")",
        quota, R"("}]}]}})"));
    EXPECT_EQ(error.form, Form::kGemini);
    EXPECT_EQ(error.is_daily_quota, is_daily) << quota;
  }
}

TEST(ErrorBodyTest, ReadsOpenRouter) {
  const ErrorBody error =
      ReadErrorBody(R"({"error":{"code":402,"message":"m","availability":)"
                    R"({"retry_after":12}}})");
  EXPECT_EQ(error.form, Form::kOpenRouter);
  EXPECT_EQ(error.number, 402);
  EXPECT_EQ(error.retry_after, absl::Seconds(12));
}

TEST(ErrorBodyTest, TellsWhatTheVendorBehindOpenRouterSaid) {
  const auto read = [](const char* raw) {
    return ReadErrorBody(absl::StrCat(
        R"({"error":{"code":400,"message":"Provider returned error",)"
        R"("metadata":{"raw":)",
        raw, "}}}"));
  };
  EXPECT_EQ(read(R"("plain words")").message,
            "Provider returned error: plain words");
  const ErrorBody json = read(
      R"("{\"error\":{\"message\":\"no\",\"code\":\"c\",\"param\":\"p\"}}")");
  EXPECT_EQ(json.message, "Provider returned error: no");
  EXPECT_EQ(json.inner_code, "c");
  EXPECT_EQ(json.param, "p");
  EXPECT_EQ(json.form, Form::kOpenRouter);
  EXPECT_EQ(read(R"({"error":{"message":"an object"}})").message,
            "Provider returned error: an object");
  EXPECT_EQ(read("null").message, "Provider returned error");
}

TEST(ErrorBodyTest, ReadsOllamaAndAzure) {
  EXPECT_EQ(ReadErrorBody(R"({"error":"no such model"})").form, Form::kOllama);
  EXPECT_EQ(ReadErrorBody(R"({"error":"no such model"})").message,
            "no such model");
  const ErrorBody azure =
      ReadErrorBody(R"({"statusCode":401,"message":"denied"})");
  EXPECT_EQ(azure.form, Form::kAzure);
  EXPECT_EQ(azure.number, 401);
  EXPECT_EQ(azure.message, "denied");
}

TEST(ErrorBodyTest, KeepsTheWordsOfAPageAndNotItsTags) {
  const ErrorBody error = ReadErrorBody(
      "<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1>\n<hr>nginx</body>"
      "</html>");
  EXPECT_EQ(error.form, Form::kText);
  EXPECT_EQ(error.message, "502 Bad Gateway nginx");
}

TEST(ErrorBodyTest, KeepsAngleBracketsOfAMessage) {
  EXPECT_EQ(ScrubbedMessage("expected <string>, a < b"),
            "expected <string>, a < b");
}

TEST(ErrorBodyTest, TakesWhatIsNoErrorAsText) {
  EXPECT_EQ(ReadErrorBody("").form, Form::kNone);
  EXPECT_EQ(ReadErrorBody(" \n").form, Form::kNone);
  EXPECT_EQ(ReadErrorBody("upstream connect error").message,
            "upstream connect error");
  EXPECT_EQ(ReadErrorBody(R"({"detail":"x"})").message, R"({"detail":"x"})");
  EXPECT_EQ(ReadErrorBody("[]").form, Form::kText);
  EXPECT_EQ(ReadErrorBody("{\"error\":{\"message\":\"cut o").form, Form::kText);
}

TEST(ErrorBodyTest, AStrangeFieldDoesNotHideTheRest) {
  const ErrorBody error = ReadErrorBody(
      R"({"error":{"message":["x"],"type":7,"code":"c","param":{}}})");
  EXPECT_EQ(error.form, Form::kOpenAi);
  EXPECT_EQ(error.code, "c");
  EXPECT_EQ(error.message, "");
}

TEST(ScrubbedMessageTest, ReplacesWhatLooksLikeACredential) {
  for (const std::string_view secret :
       {"sk-abcdef123456", "sk-proj-A1b2C3d4_e5", "sk-ant-api03-xyzxyz",
        "sk-abc1****wxyz", "xai-0123456789", "gsk_0123456789",
        "AIzaSyA0123456789abcdefgh"}) {
    const std::string text =
        "Incorrect API key provided: " + std::string(secret) +
        ". See your account.";
    EXPECT_EQ(ScrubbedMessage(text),
              "Incorrect API key provided: [secret]. See your account.");
    EXPECT_THAT(ScrubbedMessage("key='" + std::string(secret) + "'"),
                Not(HasSubstr(secret)));
  }
  EXPECT_EQ(ScrubbedMessage("sent Authorization: Bearer abc.def-ghi=="),
            "sent Authorization: [secret]");
  EXPECT_EQ(ScrubbedMessage("sent authorization: bearer abcdefgh12 twice"),
            "sent authorization: [secret] twice");
}

TEST(ScrubbedMessageTest, SeesACredentialBehindAnEscapedCharacter) {
  EXPECT_EQ(ScrubbedMessage(R"(upstream said \nsk-abcdef123456)"),
            R"(upstream said \n[secret])");
  EXPECT_EQ(ScrubbedMessage(R"(key=\u0022sk-abcdef123456\")"),
            R"(key=\u0022[secret]\")");
  EXPECT_EQ(ScrubbedMessage("GET /v1?key%3Dsk-abcdef123456&x"),
            "GET /v1?key%3D[secret]&x");
}

TEST(ScrubbedMessageTest, LeavesOrdinaryWords) {
  for (const std::string_view text :
       {"the task-force of bearer bonds", "risk-averse sk-", "disk-quota-xy",
        "a basic error", "eyJ is short", R"(50% \user C:\task-force-one)"}) {
    EXPECT_EQ(ScrubbedMessage(text), text);
  }
}

TEST(ScrubbedMessageTest, BoundsTheTextBetweenCharacters) {
  std::string text(kErrorMessageBytesMax - 1, 'a');
  text += "\xC3\xA9";
  EXPECT_EQ(ScrubbedMessage(text).size(), kErrorMessageBytesMax - 1);
  EXPECT_EQ(ScrubbedMessage(std::string(1 << 20, 'b')).size(),
            kErrorMessageBytesMax);
}

TEST(ScrubbedMessageTest, DropsBytesThatAreNotText) {
  EXPECT_EQ(ScrubbedMessage("a\xFF\xC3z\r\n\tb\x01 c"), "az b c");
  EXPECT_TRUE(IsUtf8(ScrubbedMessage("\xF0\x9F\x98")));
}

}  // namespace
}  // namespace gateway
