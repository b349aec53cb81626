#include "service/http/gemini_routes.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"
#include "tests/service/http/api_test_base.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kBody[] =
    R"({"contents":[{"role":"user","parts":[{"text":"hi"}]}]})";

class GeminiRoutesTest : public ApiTest {
 protected:
  RawAnswer Post(std::string_view rest, std::string_view body = kBody,
                 std::string_view fields = "") {
    return Ask("POST", absl::StrCat("/v1beta/models/", ToAbsl(rest)), body,
               fields);
  }

  static void ExpectError(const RawAnswer& answer, int status,
                          const std::string& word) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.Find("content-type"), "application/json");
    EXPECT_THAT(answer.body,
                AllOf(StartsWith(R"({"error":{"code":)"), HasSubstr(word)));
  }
};

TEST_F(GeminiRoutesTest, AWholeAnswerIsInGeminisWords) {
  const RawAnswer answer = Post("mock-model:generateContent");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, StartsWith(R"({"candidates":[{)"));
  EXPECT_THAT(answer.body, HasSubstr("This is the mock provider speaking."));
  EXPECT_THAT(answer.body, HasSubstr(R"("candidatesTokenCount":20)"));
  EXPECT_NE(answer.Find("x-request-id"), "");
  const auto kept = loop_->NextRecord();
  const CallRecord& record = kept->record();
  EXPECT_EQ(record.operation, "POST /v1beta/models/{model}:generateContent");
  EXPECT_EQ(record.model_asked, "mock-model");
  EXPECT_FALSE(record.stream);
}

TEST_F(GeminiRoutesTest, AStreamEndsWithItsFinishReason) {
  const RawAnswer answer = Post("mock-model:streamGenerateContent?alt=sse");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.Find("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_THAT(answer.body, StartsWith("data: {"));
  EXPECT_THAT(answer.body, HasSubstr(R"("finishReason":"STOP")"));
  EXPECT_THAT(answer.body, Not(HasSubstr("[DONE]")));
  EXPECT_TRUE(loop_->NextRecord()->record().stream);
}

TEST_F(GeminiRoutesTest, OtherVendorsModelsAreAnsweredInTheSameWords) {
  for (const char* model : {"o-1", "a-1"}) {
    Script(model, R"({"text": "from another vendor"})");
    EXPECT_THAT(Post(absl::StrCat(model, ":generateContent")).body,
                HasSubstr("from another vendor"));
    const RawAnswer stream =
        Post(absl::StrCat(model, ":streamGenerateContent?alt=sse"));
    EXPECT_THAT(stream.body, HasSubstr(R"("finishReason":"STOP")"));
  }
  // The path's name is the model's, encoded or not.
  EXPECT_EQ(Post("o-org%2Fx:generateContent").status, 200);
  EXPECT_EQ(Post("o-org/x:generateContent").status, 200);
  EXPECT_EQ(*upstream_->Stat("o-org/x", "requests"), 2);
}

TEST_F(GeminiRoutesTest, AStreamThatBreaksOffEndsWithAnError) {
  Script("o-1", R"({"chunks": 5, "reset_after_chunks": 2})");
  const RawAnswer answer = Post("o-1:streamGenerateContent?alt=sse");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr(R"({"error":{"code":)"));
  EXPECT_THAT(answer.body, Not(HasSubstr("finishReason")));
}

TEST_F(GeminiRoutesTest, CountsTokens) {
  const RawAnswer answer = Post("mock-model:countTokens");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("totalTokens":10)"));
  EXPECT_EQ(loop_->NextRecord()->record().operation,
            "POST /v1beta/models/{model}:countTokens");
}

TEST_F(GeminiRoutesTest, ListsAndShowsModels) {
  const RawAnswer list = Ask("GET", "/v1beta/models?pageSize=5");
  EXPECT_EQ(list.status, 200);
  EXPECT_THAT(list.body, AllOf(StartsWith(R"({"models":[)"),
                               HasSubstr(R"("name":"models/o-1")")));
  EXPECT_THAT(Ask("GET", "/v1beta/models/org%2Fmodel").body,
              HasSubstr(R"("name":"models/org/model")"));
  ExpectError(Ask("GET", "/v1beta/models/nobody"), 404, "NOT_FOUND");
}

// Google's newest SDK leaves out the `beta`. Of the lists, which others have at
// the same paths, it gets its own by the field that its key is in.
TEST_F(GeminiRoutesTest, TheStableVersionsPathsAreServedToo) {
  const RawAnswer answer =
      Ask("POST", "/v1/models/mock-model:countTokens",
          R"({"contents":[{"parts":[{"text":"Hello"}]}]})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr("totalTokens"));
  EXPECT_THAT(
      Ask("GET", "/v1/models", "", "x-goog-api-key: key\r\n").body,
      StartsWith(R"({"models":[)"));
  EXPECT_THAT(Ask("GET", "/v1/models").body, Not(HasSubstr("models/o-1")));
}

TEST_F(GeminiRoutesTest, WhatNoModelCanDoIsToldWhatItCan) {
  for (const char* rest : {"o-1:predict", "o-1:"}) {
    ExpectError(Post(rest), 404, "streamGenerateContent");
  }
  ExpectError(Post("o-1"), 405, "streamGenerateContent");
  ExpectError(Post(":generateContent"), 400, "model");
  ExpectError(Post("a%zz:generateContent"), 400, "path");
  ExpectError(Ask("GET", "/v1beta/files"), 404, "GET /v1beta/models/{model}");
}

TEST_F(GeminiRoutesTest, AStreamThatIsNoEventStreamIsRefused) {
  for (const char* query : {"", "?alt=json", "?xalt=sse"}) {
    ExpectError(Post(absl::StrCat("o-1:streamGenerateContent", query)), 400,
                "?alt=sse");
  }
  EXPECT_EQ(Post("o-1:streamGenerateContent?x=1&alt=sse").status, 200);
}

TEST_F(GeminiRoutesTest, AKeyBelongsIntoAHeader) {
  Open("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  const char kKey[] = "x-goog-api-key: alice-0123456789\r\n";
  const std::vector<std::pair<std::string, std::string>> paths = {
      {"POST", "/v1beta/models/mock-model:generateContent"},
      {"POST", "/v1beta/models/mock-model:countTokens"},
      {"GET", "/v1beta/models"},
      {"GET", "/v1beta/models/mock-model"}};
  for (const auto& [method, path] : paths) {
    const std::string body = method == "POST" ? kBody : "";
    EXPECT_EQ(Ask(method, path, body).status, 401) << path;
    EXPECT_EQ(Ask(method, path, body, kKey).status, 200) << path;
    ExpectError(
        Ask(method, absl::StrCat(path, "?key=alice-0123456789"), body, kKey),
        400, "x-goog-api-key");
  }
}

}  // namespace
}  // namespace gateway
