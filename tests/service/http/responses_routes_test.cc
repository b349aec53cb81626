#include "service/http/responses_routes.h"

#include <string>
#include <string_view>

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
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class ResponsesRoutesTest : public ApiTest {
 protected:
  RawAnswer Post(std::string_view body, std::string_view fields = "") {
    return Ask("POST", "/v1/responses", body, fields);
  }

  // A request; `more` begins with a comma.
  static std::string Body(std::string_view model, std::string_view input,
                          std::string_view more = "") {
    return absl::StrCat(R"({"model":")", ToAbsl(model), R"(","input":")",
                        ToAbsl(input), "\"", ToAbsl(more), "}");
  }

  // The first `"id":"resp_..."` of an answer.
  static std::string IdOf(const RawAnswer& answer) {
    const std::string mark = R"("id":"resp_)";
    const size_t begin = answer.body.find(mark);
    if (begin == std::string::npos) return "none";
    const size_t id = begin + mark.size() - 5;
    return answer.body.substr(id, answer.body.find('"', id) - id);
  }
  static std::string After(const std::string& id) {
    return absl::StrCat(R"(,"previous_response_id":")", id, "\"");
  }
};

TEST_F(ResponsesRoutesTest, AWholeAnswerIsAResponse) {
  const RawAnswer answer =
      Post(Body("mock-model", "hi", R"(,"temperature":0.5)"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("object":"response")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("status":"completed")"));
  EXPECT_THAT(answer.body, HasSubstr("This is the mock provider speaking."));
  EXPECT_THAT(answer.body, HasSubstr(R"("temperature":0.5)"));
  EXPECT_THAT(answer.Find("openai-processing-ms"), MatchesRegex("[0-9]+"));
  const auto kept = loop_->NextRecord();
  EXPECT_EQ(kept->record().operation, "POST /v1/responses");
  EXPECT_EQ(kept->record().usage->output_tokens(), 20);
}

TEST_F(ResponsesRoutesTest, NothingButAForwardedRequestRunsInTheBackground) {
  const RawAnswer refused =
      Post(Body("mock-model", "hi", R"(,"background":true)"));
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_THAT(refused.body, HasSubstr(R"("param":"background")"));
  EXPECT_EQ(refused.Find("x-should-retry"), "false");
  EXPECT_EQ(Post(Body("mock-model", "hi", R"(,"background":false)")).status,
            200);
  EXPECT_EQ(Post(Body("o-1", "hi", R"(,"background":true,"store":false)"))
                .status,
            400);
  EXPECT_EQ(*upstream_->Stat("", "total.requests"), 0);
  const RawAnswer queued = Post(Body("o-1", "hi", R"(,"background":true)"));
  EXPECT_EQ(queued.status, 200) << queued.body;
  EXPECT_THAT(queued.body, HasSubstr(R"("status":"queued")"));
  const std::string path = absl::StrCat("/v1/responses/", IdOf(queued));
  EXPECT_THAT(Ask("GET", path).body, HasSubstr(R"("status":"queued")"));
  EXPECT_THAT(Ask("POST", path + "/cancel").body,
              HasSubstr(R"("status":"cancelled")"));
}

TEST_F(ResponsesRoutesTest, AStreamEndsWithOneCompletedResponse) {
  const RawAnswer answer = Post(Body("mock-model", "hi", R"(,"stream":true)"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(answer.complete);
  EXPECT_THAT(answer.body, StartsWith("event: response.created\n"));
  const std::string end = "event: response.completed\n";
  const size_t completed = answer.body.find(end);
  ASSERT_NE(completed, std::string::npos);
  EXPECT_EQ(answer.body.find("event: ", completed + 1), std::string::npos);
}

TEST_F(ResponsesRoutesTest, AStreamThatBreaksOffEndsWithAFailure) {
  Script("a-1", R"({"chunks": 5, "reset_after_chunks": 2})");
  const RawAnswer answer = Post(Body("a-1", "hi", R"(,"stream":true)"));
  EXPECT_THAT(answer.body, HasSubstr("event: response.failed\n"));
  EXPECT_THAT(answer.body, Not(HasSubstr("response.completed")));
}

TEST_F(ResponsesRoutesTest, AConversationGoesOnFromWhatIsRemembered) {
  Script("a-1", R"({"text": "first answer"})");
  const RawAnswer first =
      Post(Body("a-1", "first question", R"(,"instructions":"only once")"));
  ASSERT_EQ(first.status, 200) << first.body;
  const std::string id = IdOf(first);
  const RawAnswer second = Post(Body("a-1", "second question", After(id)));
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_NE(IdOf(second), id);
  EXPECT_THAT(second.body,
              HasSubstr(absl::StrCat(R"("previous_response_id":")", id)));
  const std::string sent = *upstream_->LastBody("a-1");
  EXPECT_THAT(sent,
              AllOf(HasSubstr("first question"), HasSubstr("first answer"),
                    HasSubstr("second question"), Not(HasSubstr("only once"))));
  // And on from there, by another model, streamed.
  const RawAnswer third =
      Post(Body("o-chat-only", "third",
                absl::StrCat(R"(,"stream":true)", After(IdOf(second)))));
  EXPECT_THAT(*upstream_->LastBody("o-chat-only"),
              AllOf(HasSubstr("first answer"), HasSubstr("second question")));
  EXPECT_EQ(Ask("GET", absl::StrCat("/v1/responses/", IdOf(third))).status,
            200);
}

TEST_F(ResponsesRoutesTest, BytesOfTheSameDialectGoThroughBothWays) {
  const RawAnswer first = Post(Body("o-1", "hi"));
  EXPECT_EQ(first.status, 200) << first.body;
  // What the gateway does not know, the provider may.
  const std::string asked = Body(
      "o-1", "and?", absl::StrCat(After(IdOf(first)), R"(, "x" : 1.50 )"));
  const RawAnswer second = Post(asked);
  EXPECT_EQ(second.status, 200) << second.body;
  EXPECT_EQ(*upstream_->LastBody("o-1"), asked);
  EXPECT_EQ(*upstream_->Stat("o-1", "paths./v1/responses"), 2);
  const RawAnswer stream = Post(Body("o-1", "hi", R"(,"stream":true)"));
  EXPECT_THAT(stream.body, HasSubstr("event: response.completed\n"));
}

TEST_F(ResponsesRoutesTest, WhatIsNotToBeStoredIsForgotten) {
  const std::string id = IdOf(Post(Body("a-1", "hi", R"(,"store":false)")));
  EXPECT_EQ(Ask("GET", absl::StrCat("/v1/responses/", id)).status, 404);
  const RawAnswer answer = Post(Body("a-1", "on", After(id)));
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("previous_response_id"));
}

TEST_F(ResponsesRoutesTest, AForwardedAnswerIsGoneOnFromWhereItLives) {
  const std::string id = IdOf(Post(Body("o-1", "hi")));
  const RawAnswer refused = Post(Body("a-1", "and?", After(id)));
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("lives at provider 'openai'"));
}

TEST_F(ResponsesRoutesTest, AProviderThatCountsIsAsked) {
  Script("o-1", R"({"usage": {"prompt_tokens": 77}})");
  const RawAnswer answer =
      Ask("POST", "/v1/responses/input_tokens", Body("o-1", "hi"));
  EXPECT_EQ(answer.body,
            R"({"object":"response.input_tokens","input_tokens":77})");
  EXPECT_EQ(*upstream_->Stat("o-1", "paths./v1/responses/input_tokens"), 1);
}

TEST_F(ResponsesRoutesTest, UnauthenticatedCallersAreRefusedAtEveryPath) {
  Open("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  const char kKey[] = "authorization: Bearer alice-0123456789\r\n";
  EXPECT_EQ(Post(Body("mock-model", "hi")).status, 401);
  const std::string id = IdOf(Post(Body("mock-model", "hi"), kKey));
  const std::string path = absl::StrCat("/v1/responses/", id);
  EXPECT_EQ(Ask("GET", path).status, 401);
  EXPECT_EQ(Ask("DELETE", path).status, 401);
  EXPECT_EQ(Ask("GET", path, "", kKey).status, 200);
}

TEST_F(ResponsesRoutesTest, CountsInputTokens) {
  const RawAnswer answer =
      Ask("POST", "/v1/responses/input_tokens", Body("mock-model", "hi"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(answer.body, HasSubstr(R"("input_tokens":10)"));
}

TEST_F(ResponsesRoutesTest, ABadRequestIsRefusedUnsent) {
  for (const char* body : {"{broken", "[]", R"({"input":"hi"})"}) {
    const RawAnswer answer = Post(body);
    EXPECT_EQ(answer.status, 400);
    EXPECT_THAT(answer.body, StartsWith(R"({"error":{"message":")"));
  }
  EXPECT_EQ(*upstream_->Stat("", "total.requests"), 0);
}

}  // namespace
}  // namespace gateway
