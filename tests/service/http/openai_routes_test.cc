#include "service/http/openai_routes.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "service/observability/call_record.h"
#include "tests/service/http/api_test_base.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kUsageWish[] = R"("stream_options":{"include_usage":true})";

class OpenAiRoutesTest : public ApiTest {
 protected:
  RawAnswer Post(std::string_view body, std::string_view fields = "") {
    return Ask("POST", "/v1/chat/completions", body, fields);
  }

  // A request; `more` begins with a comma.
  static std::string Body(std::string_view model, std::string_view more = "") {
    return absl::StrCat(
        R"({"model":")", ToAbsl(model),
        R"(","messages":[{"role":"user","content":"hi"}])", ToAbsl(more), "}");
  }
  static std::string Streamed(std::string_view model,
                              std::string_view more = "") {
    return Body(model, absl::StrCat(R"(,"stream":true)", ToAbsl(more)));
  }

  static void ExpectError(const RawAnswer& answer, int status,
                          const std::string& message) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.Find("content-type"), "application/json");
    EXPECT_THAT(answer.body, StartsWith(R"({"error":{"message":")"));
    EXPECT_THAT(answer.body, HasSubstr(message));
  }
};

TEST_F(OpenAiRoutesTest, AWholeAnswerIsInOpenAisWords) {
  const RawAnswer answer = Post(Body("mock-model"), "x-request-id: mine-1\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Find("content-type"), "application/json");
  EXPECT_EQ(answer.Find("x-request-id"), "mine-1");
  EXPECT_THAT(answer.body, HasSubstr(R"("object":"chat.completion")"));
  EXPECT_THAT(answer.body, HasSubstr("This is the mock provider speaking."));
  EXPECT_THAT(answer.body, HasSubstr(R"("completion_tokens":20)"));

  const auto kept = loop_->NextRecord();
  const CallRecord& record = kept->record();
  EXPECT_EQ(record.protocol, Protocol::kHttp);
  EXPECT_EQ(record.operation, "POST /v1/chat/completions");
  EXPECT_EQ(record.request_id, "mine-1");
  EXPECT_EQ(record.provider, "mock");
  EXPECT_EQ(record.http_status, 200);
  EXPECT_EQ(record.usage->output_tokens(), 20);
  EXPECT_EQ(record.request_bytes,
            static_cast<int64_t>(Body("mock-model").size()));
  EXPECT_EQ(record.response_bytes, static_cast<int64_t>(answer.body.size()));
}

TEST_F(OpenAiRoutesTest, AStreamIsEventsThatEndWithDone) {
  const RawAnswer answer = Post(Streamed("mock-model"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.Find("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_THAT(answer.body,
              HasSubstr(R"("object":"chat.completion.chunk")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("finish_reason":"stop")"));
  EXPECT_THAT(answer.body, EndsWith("\n\ndata: [DONE]\n\n"));
  const auto kept = loop_->NextRecord();
  EXPECT_TRUE(kept->record().stream);
  EXPECT_EQ(kept->record().response_bytes,
            static_cast<int64_t>(answer.body.size()));
  // The connection goes on.
  EXPECT_EQ(Post(Body("mock-model")).status, 200);
}

TEST_F(OpenAiRoutesTest, BytesOfTheSameDialectGoThroughBothWays) {
  // Odd spaces, and fields that nobody here knows.
  const std::string said =
      R"({ "id":"chatcmpl-9",  "new_field" : {"kept":1},"choices":[{"index":0,)"
      R"("message":{"role":"assistant","content":"hi" },)"
      R"("finish_reason":"stop"}], "usage":{"prompt_tokens":3,)"
      R"("completion_tokens":4} } )";
  Script("o-1", absl::StrCat(R"({"body": ")",
                             absl::StrReplaceAll(said, {{"\"", "\\\""}}),
                             "\"}"));
  const std::string asked = Body("o-1", R"(, "unknown" : [ 1.50 ] )");
  const RawAnswer answer = Post(asked);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, said);
  EXPECT_EQ(*upstream_->LastBody("o-1"), asked);
  const auto kept = loop_->NextRecord();
  EXPECT_EQ(kept->record().usage->input_tokens(), 3);
  EXPECT_EQ(kept->record().usage->output_tokens(), 4);
}

TEST_F(OpenAiRoutesTest, OnlyTheModelsNameIsChangedForAnAlias) {
  EXPECT_EQ(Post(Body("o-alias", R"(,"unknown" : 1)")).status, 200);
  EXPECT_EQ(*upstream_->LastBody("o-1"), Body("o-1", R"(,"unknown" : 1)"));
}

TEST_F(OpenAiRoutesTest, UsageIsAlwaysAskedForAndShownToThoseWhoAsked) {
  Script("o-1", R"({"usage": {"prompt_tokens": 30, "completion_tokens": 4}})");
  const RawAnswer unasked = Post(Streamed("o-1"));
  EXPECT_THAT(*upstream_->LastBody("o-1"), HasSubstr(kUsageWish));
  EXPECT_THAT(unasked.body, Not(HasSubstr("completion_tokens")));
  EXPECT_THAT(unasked.body, EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(loop_->NextRecord()->record().usage->output_tokens(), 4);

  const RawAnswer asked =
      Post(Streamed("o-1", absl::StrCat(",", kUsageWish)));
  EXPECT_THAT(asked.body, HasSubstr(R"("completion_tokens":4)"));
  EXPECT_EQ(loop_->NextRecord()->record().usage->output_tokens(), 4);
}

TEST_F(OpenAiRoutesTest, AnotherVendorsModelIsAnsweredInTheSameWords) {
  Script("a-1", R"({"text": "from the other vendor"})");
  const RawAnswer whole = Post(Body("a-1"));
  EXPECT_THAT(whole.body, HasSubstr(R"("object":"chat.completion")"));
  EXPECT_THAT(whole.body, HasSubstr("from the other vendor"));
  const RawAnswer stream = Post(Streamed("a-1"));
  EXPECT_THAT(stream.body, HasSubstr(R"("chat.completion.chunk")"));
  EXPECT_THAT(stream.body, EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(*upstream_->Stat("a-1", "paths./v1/messages"), 2);
}

TEST_F(OpenAiRoutesTest, AStreamThatBreaksOffNeverLooksWhole) {
  Script("o-1", R"({"chunks": 5, "reset_after_chunks": 2})");
  const RawAnswer answer = Post(Streamed("o-1"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("\n\ndata: {\"error\":"));
  EXPECT_THAT(answer.body, Not(HasSubstr("[DONE]")));
  EXPECT_EQ(loop_->NextRecord()->record().error_reason,
            v1::ERROR_REASON_STREAM_INTERRUPTED);
}

TEST_F(OpenAiRoutesTest, AnUpstreamsRefusalIsToldWithItsDelay) {
  Script("o-1", R"({"status": 429, "retry_after": "7"})");
  for (const std::string& body : {Body("o-1"), Streamed("o-1")}) {
    const RawAnswer answer = Post(body);
    ExpectError(answer, 429, R"("code":"rate_limit_exceeded")");
    EXPECT_EQ(answer.Find("retry-after"), "7");
    // Nothing is retried here, so it is the caller's to do.
    EXPECT_EQ(answer.Find("x-should-retry"), "");
    EXPECT_EQ(loop_->NextRecord()->record().error_reason,
              v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  }
}

TEST_F(OpenAiRoutesTest, ABadRequestIsRefusedUnsentAndRecorded) {
  ExpectError(Post("{broken"), 400, R"("type":"invalid_request_error")");
  ExpectError(Post(""), 400, "");
  ExpectError(Post("[]"), 400, "");
  ExpectError(Post(R"({"messages":[{"role":"user","content":"hi"}]})"), 400,
              "model");
  // Policy and provider shall not read two different requests.
  ExpectError(Post(Body("o-1", R"(,"mod\u0065l":"o-2")")), 400, "model");
  ExpectError(Post(Streamed("o-1", R"(,"stream":false)")), 400, "stream");
  EXPECT_EQ(*upstream_->Stat("", "total.requests"), 0);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(loop_->NextRecord()->record().error_reason,
              v1::ERROR_REASON_INVALID_REQUEST);
  }
}

TEST_F(OpenAiRoutesTest, AModelThatNobodyServesIsNotFound) {
  strict_ = true;
  Open("");
  for (const std::string& body : {Body("unknown"), Streamed("unknown")}) {
    const RawAnswer answer = Post(body);
    ExpectError(answer, 404, R"("code":"model_not_found")");
    EXPECT_EQ(answer.Find("x-should-retry"), "false");
  }
}

TEST_F(OpenAiRoutesTest, UnauthenticatedCallersAreRefusedAtEveryPath) {
  Open("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  const std::vector<std::pair<std::string, std::string>> paths = {
      {"POST", "/v1/chat/completions"},
      {"GET", "/v1/models"},
      {"GET", "/v1/models/mock-model"}};
  for (const auto& [method, path] : paths) {
    const std::string body = method == "POST" ? Body("mock-model") : "";
    ExpectError(Ask(method, path, body), 401, R"("code":"invalid_api_key")");
    ExpectError(Ask(method, path, body, "authorization: Bearer wrong\r\n"),
                401, "");
    EXPECT_EQ(Ask(method, path, body,
                  "authorization: Bearer alice-0123456789\r\n").status,
              200);
    EXPECT_EQ(Ask(method, path, body, "x-api-key: alice-0123456789\r\n").status,
              200);
  }
  loop_->NextRecord();
  loop_->NextRecord();
  EXPECT_EQ(loop_->NextRecord()->record().caller, "alice");
}

TEST_F(OpenAiRoutesTest, ListsTheModelsThatCallersCanName) {
  const RawAnswer answer = Ask("GET", "/v1/models");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Find("content-type"), "application/json");
  EXPECT_THAT(answer.body, StartsWith(R"({"object":"list","data":[)"));
  for (const char* model : {"mock-model", "o-1", "o-alias", "org/model"}) {
    EXPECT_THAT(answer.body,
                HasSubstr(absl::StrCat(R"({"id":")", model,
                                       R"(","object":"model","created":)")));
  }
  EXPECT_THAT(answer.body, HasSubstr(R"("owned_by":"openai")"));
  const RawAnswer head = Ask("HEAD", "/v1/models");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Find("content-length"), absl::StrCat(answer.body.size()));
  EXPECT_EQ(Ask("GET", "/v1/models?limit=5").body, answer.body);
}

TEST_F(OpenAiRoutesTest, ShowsOneModelByItsName) {
  const RawAnswer mock =
      Ask("GET", "/v1/models/mock-model", "", "x-request-id: mine-2\r\n");
  EXPECT_EQ(mock.status, 200);
  EXPECT_EQ(mock.Find("x-request-id"), "mine-2");
  EXPECT_THAT(mock.body, StartsWith(R"({"id":"mock-model","object":"model")"));
  // Names with a slash come either way.
  EXPECT_THAT(Ask("GET", "/v1/models/org%2Fmodel").body,
              StartsWith(R"({"id":"org/model")"));
  EXPECT_THAT(Ask("GET", "/v1/models/org/model").body,
              StartsWith(R"({"id":"org/model")"));
  ExpectError(Ask("GET", "/v1/models/nobody"), 404, "'nobody' does not exist");
  ExpectError(Ask("GET", "/v1/models/a%zz"), 400, "path");
}

TEST_F(OpenAiRoutesTest, AnIdIsMadeUpWhereTheCallersIsMissingOrUnfit) {
  for (const char* fields : {"", "x-request-id: two words\r\n"}) {
    const std::string id =
        Post(Body("mock-model"), fields).Find("x-request-id");
    EXPECT_THAT(id, MatchesRegex("[0-9a-f]{32}"));
    EXPECT_EQ(loop_->NextRecord()->record().request_id, id);
  }
}

TEST_F(OpenAiRoutesTest, EveryAnswerTellsHowLongItTook) {
  for (const std::string& body :
       {Body("mock-model"), Streamed("mock-model"), std::string("{broken")}) {
    EXPECT_THAT(Post(body).Find("openai-processing-ms"),
                MatchesRegex("[0-9]+"));
  }
  for (const char* path : {"/v1/models", "/v1/models/none", "/v1/none"}) {
    EXPECT_THAT(Ask("GET", path).Find("openai-processing-ms"),
                MatchesRegex("[0-9]+"));
  }
}

TEST_F(OpenAiRoutesTest, AnAnswerThatMustKeepToItsFormFailsIfItDoesNot) {
  Script("o-1", R"({"text": "no JSON at all"})");
  const std::string body =
      Body("o-1", R"(,"response_format":{"type":"json_object"})");
  EXPECT_EQ(Post(body).status, 200);
  const char kStrict[] = "x-llmgateway-strict-output: true\r\n";
  ExpectError(Post(body, kStrict), 422, "response_format");
  Script("o-1", R"({"text": "{}"})");
  EXPECT_EQ(Post(body, kStrict).status, 200);
}

TEST_F(OpenAiRoutesTest, ACredentialForTheProviderIsSentWhereThatIsAllowed) {
  const char kField[] =
      "x-provider-authorization: Bearer my-own-credential\r\n";
  Post(Body("o-1"), kField);
  EXPECT_THAT(*upstream_->Last("o-1"), Not(HasSubstr("my-own-credential")));
  provider_fields_ = "  credential_passthrough: true\n";
  Open("");
  Post(Body("o-1"), kField);
  EXPECT_THAT(*upstream_->Last("o-1"),
              HasSubstr(R"("Bearer my-own-credential")"));
}

TEST_F(OpenAiRoutesTest, ACallerWhoHangsUpEndsTheCallUpstream) {
  Script("o-1", R"({"stall_before_first_byte": true})");
  Script("o-2", R"({"chunks": 5, "stall_after_chunks": 1})");
  for (const char* model : {"o-1", "o-2"}) {
    client_ = RawClient::Connect(loop_->port());
    Send("POST", "/v1/chat/completions", Streamed(model));
    ASSERT_TRUE(upstream_->WaitFor("started", model, 1).ok());
    if (model == std::string_view("o-2")) client_.ReceiveUntil("\n\n");
    client_.Close();
    EXPECT_TRUE(upstream_->WaitFor("cancelled", model, 1).ok());
    EXPECT_EQ(loop_->NextRecord()->record().error_reason,
              v1::ERROR_REASON_CANCELLED);
  }
}

}  // namespace
}  // namespace gateway
