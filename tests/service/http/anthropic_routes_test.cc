#include "service/http/anthropic_routes.h"

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

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kVersion[] = "anthropic-version: 2023-06-01\r\n";
constexpr char kStop[] =
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

class AnthropicRoutesTest : public ApiTest {
 protected:
  RawAnswer Post(std::string_view body, std::string_view fields = kVersion) {
    return Ask("POST", "/v1/messages", body, fields);
  }

  // A request; `more` begins with a comma.
  static std::string Body(std::string_view model, std::string_view more = "") {
    return absl::StrCat(
        R"({"model":")", ToAbsl(model),
        R"(","max_tokens":50,"messages":[{"role":"user","content":"hi"}])",
        ToAbsl(more), "}");
  }
  static std::string Streamed(std::string_view model) {
    return Body(model, R"(,"stream":true)");
  }

  static void ExpectError(const RawAnswer& answer, int status,
                          const std::string& type) {
    EXPECT_EQ(answer.status, status) << answer.body;
    EXPECT_EQ(answer.Find("content-type"), "application/json");
    EXPECT_THAT(answer.body,
                StartsWith(absl::StrCat(R"({"type":"error","error":{"type":")",
                                        type, "\"")));
    EXPECT_THAT(answer.body,
                HasSubstr(absl::StrCat(R"("request_id":")",
                                       answer.Find("request-id"), "\"")));
  }
};

TEST_F(AnthropicRoutesTest, AWholeAnswerIsInAnthropicsWords) {
  const RawAnswer answer = Post(Body("mock-model"), "x-request-id: mine-1\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.Find("content-type"), "application/json");
  EXPECT_EQ(answer.Find("request-id"), "mine-1");
  EXPECT_EQ(answer.Find("x-request-id"), "mine-1");
  EXPECT_THAT(answer.body, HasSubstr(R"("type":"message")"));
  EXPECT_THAT(answer.body, HasSubstr("This is the mock provider speaking."));
  EXPECT_THAT(answer.body, HasSubstr(R"("stop_reason":"end_turn")"));
  EXPECT_THAT(answer.body, HasSubstr(R"("output_tokens":20)"));

  const auto kept = loop_->NextRecord();
  const CallRecord& record = kept->record();
  EXPECT_EQ(record.operation, "POST /v1/messages");
  EXPECT_EQ(record.provider, "mock");
  EXPECT_EQ(record.http_status, 200);
  EXPECT_EQ(record.response_bytes, static_cast<int64_t>(answer.body.size()));
}

TEST_F(AnthropicRoutesTest, AStreamIsEventsFromStartToStop) {
  const RawAnswer answer = Post(Streamed("mock-model"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.complete);
  EXPECT_EQ(answer.Find("content-type"), "text/event-stream; charset=utf-8");
  EXPECT_THAT(answer.body, StartsWith("event: message_start\n"));
  EXPECT_THAT(answer.body, HasSubstr("event: content_block_delta\n"));
  EXPECT_THAT(answer.body, EndsWith(kStop));
}

TEST_F(AnthropicRoutesTest, BytesOfTheSameDialectGoThroughBothWays) {
  // Odd spaces, and fields that nobody here knows.
  const std::string said =
      R"({ "id":"msg_9", "type":"message",  "new_field" : {"kept":1},)"
      R"("role":"assistant","model":"a-1","content":[ ],)"
      R"("stop_reason":"end_turn","usage":{"input_tokens":3,)"
      R"("output_tokens":4} } )";
  Script("a-1",
         absl::StrCat(R"({"body": ")",
                      absl::StrReplaceAll(said, {{"\"", "\\\""}}), "\"}"));
  const std::string asked = Body("a-1", R"(, "unknown" : [ 1.50 ] )");
  const RawAnswer answer = Ask("POST", "/v1/messages?beta=true", asked);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, said);
  EXPECT_EQ(*upstream_->LastBody("a-1"), asked);
  EXPECT_EQ(loop_->NextRecord()->record().usage->output_tokens(), 4);
}

TEST_F(AnthropicRoutesTest, OnlyTheModelsNameIsChangedForAnAlias) {
  EXPECT_EQ(Post(Body("a-alias", R"(,"unknown" : 1)")).status, 200);
  EXPECT_EQ(*upstream_->LastBody("a-1"), Body("a-1", R"(,"unknown" : 1)"));
}

TEST_F(AnthropicRoutesTest, AStreamOfTheSameDialectKeepsItsPings) {
  Script("a-1", R"({"text": "one two", "pings": 1})");
  const RawAnswer answer = Post(Streamed("a-1"));
  EXPECT_THAT(answer.body, HasSubstr("event: ping\n"));
  EXPECT_THAT(answer.body, HasSubstr("event: message_stop\n"));
  EXPECT_EQ(loop_->NextRecord()->record().usage->output_tokens(), 2);
}

TEST_F(AnthropicRoutesTest, BetasGoToAnthropicAndToNobodyElse) {
  const std::string betas =
      absl::StrCat(kVersion,
                   "anthropic-beta: one,two\r\nanthropic-beta: three\r\n"
                   "x-stainless-lang: python\r\n");
  EXPECT_EQ(Post(Body("a-1"), betas).status, 200);
  EXPECT_THAT(*upstream_->Last("a-1"),
              AllOf(HasSubstr(R"("one,two")"), HasSubstr(R"("three")"),
                    Not(HasSubstr("stainless"))));
  EXPECT_EQ(Post(Body("o-1"), betas).status, 200);
  EXPECT_THAT(*upstream_->Last("o-1"), Not(HasSubstr("anthropic-beta")));
}

TEST_F(AnthropicRoutesTest, AnotherVendorsModelIsAnsweredInTheSameWords) {
  Script("o-1", R"({"text": "from the other vendor"})");
  const RawAnswer whole = Post(Body("o-1"));
  EXPECT_THAT(whole.body, HasSubstr(R"("type":"message")"));
  EXPECT_THAT(whole.body, HasSubstr("from the other vendor"));
  const RawAnswer stream = Post(Streamed("o-1"));
  EXPECT_THAT(stream.body, StartsWith("event: message_start\n"));
  EXPECT_THAT(stream.body, EndsWith(kStop));
  EXPECT_EQ(*upstream_->Stat("o-1", "paths./v1/chat/completions"), 2);
}

TEST_F(AnthropicRoutesTest, AStreamThatBreaksOffEndsWithOneError) {
  for (const char* model : {"o-1", "a-1"}) {
    Script(model, R"({"chunks": 5, "reset_after_chunks": 2})");
    const RawAnswer answer = Post(Streamed(model));
    EXPECT_EQ(answer.status, 200);
    const size_t error = answer.body.find("event: error\n");
    ASSERT_NE(error, std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("event: ", error + 1), std::string::npos);
    EXPECT_THAT(answer.body, Not(HasSubstr("message_stop")));
    EXPECT_EQ(loop_->NextRecord()->record().error_reason,
              v1::ERROR_REASON_STREAM_INTERRUPTED);
  }
}

TEST_F(AnthropicRoutesTest, AnUpstreamsRefusalIsToldWithItsDelay) {
  Script("a-1", R"({"status": 429, "retry_after": "7"})");
  for (const std::string& body : {Body("a-1"), Streamed("a-1")}) {
    const RawAnswer answer = Post(body);
    ExpectError(answer, 429, "rate_limit_error");
    EXPECT_EQ(answer.Find("retry-after"), "7");
    // Nothing is retried here, so it is the caller's to do.
    EXPECT_EQ(answer.Find("x-should-retry"), "");
  }
}

TEST_F(AnthropicRoutesTest, ABadRequestIsRefusedUnsentAndRecorded) {
  ExpectError(Post("{broken"), 400, "invalid_request_error");
  ExpectError(Post("[]"), 400, "invalid_request_error");
  ExpectError(Post(Body("a-1"), "anthropic-version: 1999-01-01\r\n"), 400,
              "invalid_request_error");
  EXPECT_EQ(*upstream_->Stat("", "total.requests"), 0);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(loop_->NextRecord()->record().error_reason,
              v1::ERROR_REASON_INVALID_REQUEST);
  }
}

TEST_F(AnthropicRoutesTest, LaterVersionsAreServedAndOthersRefused) {
  for (const char* version : {"2023-06-01", "2026-10-21"}) {
    EXPECT_EQ(
        Post(Body("a-1"), absl::StrCat("anthropic-version: ", version, "\r\n"))
            .status,
        200);
  }
  for (const char* version : {"2023-05-31", "2026-10", "2026/10/21", "later"}) {
    ExpectError(
        Post(Body("a-1"), absl::StrCat("anthropic-version: ", version, "\r\n")),
        400, "invalid_request_error");
  }
}

TEST_F(AnthropicRoutesTest, CountsTokensWhereTheProviderCan) {
  Script("a-1", R"({"usage": {"prompt_tokens": 77}})");
  const RawAnswer answer =
      Ask("POST", "/v1/messages/count_tokens?beta=true", Body("a-1"),
          absl::StrCat(kVersion, "anthropic-beta: counting\r\n"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"input_tokens":77})");
  EXPECT_NE(answer.Find("request-id"), "");
  EXPECT_EQ(*upstream_->Stat("a-1", "paths./v1/messages/count_tokens"), 1);
  EXPECT_THAT(*upstream_->Last("a-1"), HasSubstr(R"("counting")"));
  const auto kept = loop_->NextRecord();
  EXPECT_EQ(kept->record().operation, "POST /v1/messages/count_tokens");
  EXPECT_EQ(kept->record().http_status, 200);
}

TEST_F(AnthropicRoutesTest, EstimatesTokensWhereTheProviderCannot) {
  const RawAnswer answer =
      Ask("POST", "/v1/messages/count_tokens", Body("o-1"), kVersion);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, MatchesRegex(R"(\{"input_tokens":[1-9][0-9]*\})"));
}

TEST_F(AnthropicRoutesTest, ACountThatFailsIsToldAndRecorded) {
  Script("a-1", R"({"status": 500})");
  ExpectError(Ask("POST", "/v1/messages/count_tokens", Body("a-1"), kVersion),
              502, "api_error");
  EXPECT_EQ(loop_->NextRecord()->record().http_status, 502);
  ExpectError(Ask("POST", "/v1/messages/count_tokens", "{}", kVersion), 400,
              "invalid_request_error");
  EXPECT_EQ(loop_->NextRecord()->record().http_status, 400);
}

TEST_F(AnthropicRoutesTest, ListsModelsForThoseWhoNameAVersion) {
  const RawAnswer list = Ask("GET", "/v1/models", "", kVersion);
  EXPECT_EQ(list.status, 200);
  EXPECT_THAT(list.body, StartsWith(R"({"data":[{"type":"model","id":"a-1",)"));
  EXPECT_THAT(list.body, HasSubstr(R"("has_more":false)"));
  const RawAnswer one = Ask("GET", "/v1/models/org%2Fmodel", "", kVersion);
  EXPECT_THAT(one.body, StartsWith(R"({"type":"model","id":"org/model",)"));
  ExpectError(Ask("GET", "/v1/models/nobody", "", kVersion), 404,
              "not_found_error");
  EXPECT_THAT(Ask("GET", "/v1/models").body, StartsWith(R"({"object":"list")"));
}

TEST_F(AnthropicRoutesTest, UnauthenticatedCallersAreRefusedAtEveryPath) {
  Open("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  const std::vector<std::pair<std::string, std::string>> paths = {
      {"POST", "/v1/messages"},
      {"POST", "/v1/messages/count_tokens"},
      {"GET", "/v1/models"},
      {"GET", "/v1/models/mock-model"}};
  for (const auto& [method, path] : paths) {
    const std::string body = method == "POST" ? Body("mock-model") : "";
    ExpectError(Ask(method, path, body, kVersion), 401, "authentication_error");
    for (const char* key : {"authorization: Bearer alice-0123456789\r\n",
                            "x-api-key: alice-0123456789\r\n"}) {
      EXPECT_EQ(Ask(method, path, body, absl::StrCat(kVersion, key)).status,
                200);
    }
  }
}

TEST_F(AnthropicRoutesTest, TellsProviderAndLatencyToThoseWhoAsk) {
  const std::string wish =
      absl::StrCat(kVersion, "x-llmgateway-details: true\r\n");
  const RawAnswer parsed = Post(Body("mock-model"), wish);
  EXPECT_THAT(parsed.body,
              MatchesRegex(R"(.*,"provider":"mock","latency_ms":[0-9]+\})"));
  const RawAnswer raw = Post(Body("a-1"), wish);
  EXPECT_THAT(raw.body, HasSubstr(R"(,"provider":"anthropic","latency_ms":)"));
  EXPECT_EQ(raw.Find("content-length"), absl::StrCat(raw.body.size()));
  EXPECT_THAT(Post(Body("a-1")).body, Not(HasSubstr("latency_ms")));
}

TEST_F(AnthropicRoutesTest, ACallerWhoHangsUpEndsTheCallUpstream) {
  Script("a-1", R"({"chunks": 5, "stall_after_chunks": 1})");
  Send("POST", "/v1/messages", Streamed("a-1"), kVersion);
  ASSERT_TRUE(upstream_->WaitFor("started", "a-1", 1).ok());
  client_.ReceiveUntil("\n\n");
  client_.Close();
  EXPECT_TRUE(upstream_->WaitFor("cancelled", "a-1", 1).ok());
  EXPECT_EQ(loop_->NextRecord()->record().error_reason,
            v1::ERROR_REASON_CANCELLED);
}

}  // namespace
}  // namespace gateway
