#include "service/http/api_router.h"

#include <string>
#include <string_view>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/service/http/api_test_base.h"
#include "tests/testing/raw_client.h"

namespace gateway {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ApiRouterTest : public ApiTest {};

// How an API's errors begin.
constexpr char kOpenAi[] = R"({"error":{"message":")";
constexpr char kAnthropic[] = R"({"type":"error","error":{)";

TEST_F(ApiRouterTest, OtherPathsAreToldTheKnownOnesByTheNearestApi) {
  for (const char* path : {"/", "/v1/completions", "/v1/models/", "/v2/x"}) {
    const RawAnswer answer = Ask("GET", path);
    EXPECT_EQ(answer.status, 404);
    EXPECT_THAT(
        answer.body,
        AllOf(StartsWith(kOpenAi),
              HasSubstr(absl::StrCat("there is no GET ", path, "; see")),
              HasSubstr("POST /v1/chat/completions, GET /v1/models, GET "
                        "/v1/models/{id}, POST /v1/responses,"),
              HasSubstr(" and POST /v1/embeddings")));
  }
  for (const char* path : {"/v1/messages/batches", "/v1/messages/"}) {
    const RawAnswer answer = Ask("POST", path, "{}");
    EXPECT_EQ(answer.status, 404);
    EXPECT_THAT(answer.body,
                AllOf(StartsWith(kAnthropic),
                      HasSubstr("POST /v1/messages/count_tokens")));
    EXPECT_NE(answer.Find("request-id"), "");
  }
}

TEST_F(ApiRouterTest, AMethodThatAPathDoesNotHaveIsNotAllowed) {
  EXPECT_THAT(Ask("GET", "/v1/chat/completions").body,
              HasSubstr("there is no GET /v1/chat/completions"));
  EXPECT_THAT(Ask("GET", "/v1/messages").body, StartsWith(kAnthropic));
  const struct {
    const char* method;
    const char* path;
    const char* allow;
  } kCases[] = {
      {"GET", "/v1/chat/completions", "POST"},
      {"DELETE", "/v1/messages", "POST"},
      {"PUT", "/v1/messages/count_tokens", "POST"},
      {"GET", "/v1/embeddings", "POST"},
      {"GET", "/v1/responses", "POST"},
      {"POST", "/v1/responses/resp_1", "DELETE, GET, HEAD"},
      {"POST", "/v1/models", "GET, HEAD"},
      {"POST", "/v1/models/mock-model", "GET, HEAD"},
      {"POST", "/v1beta/models", "GET, HEAD"},
      {"POST", "/v1beta/models/mock-model", "GET, HEAD"},
      {"GET", "/v1beta/models/mock-model:generateContent", "POST"},
      {"PUT", "/v1beta/models/mock-model:generateContent", "POST"},
      {"PUT", "/v1beta/models/mock-model:8b", "GET, HEAD"},
      {"PUT", "/v1/models/mock-model", "GET, HEAD"},
      {"GET", "/v1/responses/resp_1/cancel", "POST"},
      {"DELETE", "/v1/responses/resp_1/cancel", "POST"},
      {"DELETE", "/v1/responses/resp_1/input_items", "GET, HEAD"},
  };
  for (const auto& [method, path, allow] : kCases) {
    const RawAnswer answer =
        Ask(method, path, method == std::string_view("GET") ? "" : "{}");
    EXPECT_EQ(answer.status, 405) << method << " " << path;
    EXPECT_EQ(answer.Find("allow"), allow) << method << " " << path;
    if (std::string_view(path).starts_with("/v1beta/")) {
      EXPECT_THAT(answer.body, StartsWith(R"({"error":{"code":405,)"));
    }
  }
}

TEST_F(ApiRouterTest,
       OfAnUnauthenticatedCallersBodyThatCameWithItsHeadNothingIsRead) {
  Open("auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n");
  const struct {
    const char* path;
    const char* body;
  } kCases[] = {
      {"/v1/chat/completions",
       R"({"model":"mock-model","messages":[{"role":"user","content":"a"}]})"},
      {"/v1/messages/count_tokens",
       R"({"model":"mock-model","messages":[{"role":"user","content":"a"}]})"},
      {"/v1/embeddings", R"({"model":"mock-model","input":"a"})"},
  };
  for (const auto& [path, body] : kCases) {
    EXPECT_EQ(Ask("POST", path, body).status, 401) << path;
    EXPECT_EQ(loop_->NextRecord()->record().model_asked, "") << path;
    const RawAnswer known =
        Ask("POST", path, body, "authorization: Bearer alice-0123456789\r\n");
    EXPECT_NE(known.status, 401) << path;
    const auto kept = loop_->NextRecord();
    EXPECT_EQ(kept->record().model_asked, "mock-model") << path;
    EXPECT_EQ(kept->record().caller, "alice") << path;
  }
}

TEST_F(ApiRouterTest, AnEncodedBodyIsNotRead) {
  for (const char* path : {"/v1/chat/completions", "/v1/messages",
                           "/v1beta/models/mock-model:generateContent"}) {
    const RawAnswer answer =
        Ask("POST", path, "\x1f\x8b...", "Content-Encoding: gzip\r\n");
    EXPECT_EQ(answer.status, 415) << path;
    EXPECT_EQ(answer.Find("accept-encoding"), "identity") << path;
    EXPECT_THAT(answer.body, HasSubstr("content-encoding 'gzip'")) << path;
    if (std::string_view(path).starts_with("/v1beta/")) {
      EXPECT_THAT(answer.body, StartsWith(R"({"error":{"code":415,)"));
    }
  }
  EXPECT_EQ(Ask("POST", "/v1/chat/completions",
                R"({"model":"mock-model","messages":[)"
                R"({"role":"user","content":"Hello"}]})",
                "content-encoding: identity\r\n")
                .status,
            200);
}

TEST_F(ApiRouterTest, OneWithACredentialTwiceIsRefused) {
  const std::string body =
      R"({"model":"mock-model","messages":[{"role":"user","content":"a"}]})";
  for (const char* keys :
       {"", "auth: {callers: {api_keys: [{id: alice, key: 'env:ALICE'}]}}\n"}) {
    Open(keys);
    for (const std::string_view name :
         {"authorization", "x-api-key", "x-goog-api-key",
          "x-provider-authorization"}) {
      const std::string twice =
          absl::StrCat("x-api-key: alice-0123456789\r\n", ToAbsl(name),
                       ": alice-0123456789\r\n", ToAbsl(name),
                       ": alice-0123456789\r\n");
      for (const auto& [method, path] :
           {std::pair("POST", "/v1/chat/completions"),
            std::pair("GET", "/v1/models")}) {
        client_ = RawClient::Connect(loop_->port());
        const RawAnswer answer =
            Ask(method, path, *method == 'P' ? body : "", twice);
        EXPECT_EQ(answer.status, 400) << path << " " << name;
        EXPECT_THAT(answer.body, HasSubstr(absl::StrCat(
                                     ToAbsl(name), ": is given twice")));
      }
    }
  }
}

TEST_F(ApiRouterTest, OneThatThereIsNoRoomForIsToldSoByItsApisStatus) {
  loop_->Run([this]() -> Task<void> {
    loop_->loop().request_bytes().SetLimit(100'000);
    co_return;
  });
  const std::string body(150'000, ' ');
  for (const auto& [path, status, words] :
       {std::tuple("/v1/messages", 529, "\"overloaded_error\""),
        std::tuple("/v1/chat/completions", 503, "\"server_is_overloaded\""),
        std::tuple("/v1beta/models/m:generateContent", 503,
                   "\"UNAVAILABLE\"")}) {
    client_ = RawClient::Connect(loop_->port());
    const RawAnswer answer = Ask("POST", path, body);
    EXPECT_EQ(answer.status, status) << path;
    EXPECT_EQ(answer.Find("retry-after"), "1") << path;
    EXPECT_THAT(answer.body, HasSubstr(words)) << path;
  }
}

TEST_F(ApiRouterTest, WhatTheServerItselfRefusesIsInTheApisWords) {
  Open("", {.head_bytes = 1024, .body_bytes = 64});
  const std::string large(65, ' ');
  RawAnswer answer = Ask("POST", "/v1/chat/completions", large);
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body, StartsWith(kOpenAi));
  client_ = RawClient::Connect(loop_->port());
  answer = Ask("POST", "/v1/messages", large);
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(answer.body,
              AllOf(StartsWith(kAnthropic), HasSubstr("request_too_large")));
  client_ = RawClient::Connect(loop_->port());
  answer = Ask("GET", "/", "",
               absl::StrCat("x-long: ", std::string(2048, 'x'), "\r\n"));
  EXPECT_EQ(answer.status, 431);
  EXPECT_THAT(answer.body, StartsWith(kOpenAi));
  client_ = RawClient::Connect(loop_->port());
  client_.Send("GET / HTTP/1.1\r\nno colon\r\n\r\n");
  answer = client_.ReceiveAnswer();
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("invalid_request_error"));
}

}  // namespace
}  // namespace gateway
