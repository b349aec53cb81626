#include "providers/dialects/openai_chat/response.h"

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway::chat {
namespace {

absl::Status ReadResponseBody(std::string_view body,
                              v1::GenerateResponse* response) {
  return ReadResponse(body, response);
}

TEST(OpenAiChatResponseTest, AnAnswerThatMakesNoSenseIsABadResponse) {
  for (const std::string_view body :
       {"", "<html>", "null", "{}", R"({"choices":[]})", R"({"choices":{}})",
        R"({"choices":[{"index":-1}]})", R"({"choices":[{"index":128}]})",
        R"({"choices":[{"message":{"content":7}}]})",
        R"({"choices":[{"message":{"content":"a"}}],"usage":)"
        R"({"prompt_tokens":-3}})",
        R"({"created":-1,"choices":[{}]})", "{\"id\":\"\xff\"}",
        R"({"choices":[{"message":{"content":"a"}}]}trailing)"}) {
    v1::GenerateResponse response;
    EXPECT_EQ(FaultReason(ReadResponseBody(body, &response)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

TEST(OpenAiChatResponseTest, AnErrorInThePlaceOfAnAnswerIsAnError) {
  v1::GenerateResponse response;
  EXPECT_EQ(FaultReason(ReadResponseBody(R"({"error":{"message":"slow","type":)"
                                         R"("rate_limit_error","code":null}})",
                                         &response)),
            v1::ERROR_REASON_PROVIDER_RATE_LIMITED);
  const absl::Status status = ReadResponseBody(
      R"({"choices":[{"error":{"code":502,"message":"gone"},)"
      R"("message":{"content":"half"},"finish_reason":"error"}]})",
      &response);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(status.message(), "502: gone");
}

TEST(OpenAiChatResponseTest, NoErrorIsNoError) {
  v1::GenerateResponse response;
  EXPECT_TRUE(
      ReadResponseBody(R"({"error":null,"choices":[{"message":{"content":"a"},)"
                       R"("finish_reason":"stop"}]})",
                       &response)
          .ok());
  EXPECT_EQ(response.choices(0).message().parts(0).text(), "a");
}

TEST(OpenAiChatResponseTest, TheToolCallCountsMoreThanTheWord) {
  v1::GenerateResponse response;
  ASSERT_TRUE(
      ReadResponseBody(R"({"choices":[{"message":{"content":null,"tool_calls":)"
                       R"([{"id":"c","type":"function","function":{"name":"f",)"
                       R"("arguments":"{}"}}]},"finish_reason":"stop"}]})",
                       &response)
          .ok());
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
  EXPECT_EQ(response.choices(0).provider_finish_reason(), "stop");
}

TEST(OpenAiChatResponseTest, CallsWithoutIdsGetOnesThatDoNotRepeat) {
  std::set<std::string> ids;
  const auto read = [&](const std::string& head) {
    v1::GenerateResponse response;
    ASSERT_TRUE(ReadResponseBody(
                    R"({"choices":[{"message":{"tool_calls":[)"
                    R"({"type":"function","function":{"name":"f"}},)"
                    R"({"id":"","function":{"name":"f"}},)"
                    R"({"id":"c","function":{"name":"f"}}]}}])" +
                        head + "}",
                    &response)
                    .ok());
    const v1::Message& message = response.choices(0).message();
    ASSERT_EQ(message.parts_size(), 3);
    for (const v1::Part& part : message.parts()) {
      ids.insert(part.tool_call().id());
    }
  };
  for (const char* const head :
       {R"(,"id":"a","created":1)", R"(,"id":"a","created":2)",
        R"(,"id":"b","created":1)", ""}) {
    read(head);
    read(head);  // The same answer, as when it is replayed.
  }
  EXPECT_EQ(ids.size(), 9u);
  EXPECT_FALSE(ids.contains(""));
  EXPECT_TRUE(ids.contains("c"));
}

TEST(OpenAiChatResponseTest, WritesAnAnswerOfAnotherDialect) {
  v1::GenerateResponse response;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        request_id: "r-1"
        model: "claude"
        create_time { seconds: 7 nanos: 5 }
        choices {
          message {
            role: ROLE_ASSISTANT
            parts { text: "a" }
            parts { opaque { dialect: "anthropic_messages" json: "{}" } }
            parts { tool_call { id: "c" name: "f" arguments: "{}" } }
          }
          finish_reason: FINISH_REASON_TOOL_CALLS
          provider_finish_reason: "tool_use"
          extensions { dialect: "anthropic_messages" name: "x" json: "1" }
        }
        usage { input_tokens: 1 output_tokens: 2 }
        extensions { dialect: "openai_chat" name: "id" json: "\"forged\"" }
      )pb",
      &response));
  std::string body;
  std::vector<v1::Warning> warnings;
  ASSERT_TRUE(WriteResponse(response, &body, &warnings).ok());
  // Of what its vendor alone knows: content is told, fields are not.
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].field(), "opaque");
  EXPECT_EQ(
      body,
      R"({"id":"chatcmpl-r-1","object":"chat.completion","created":7,)"
      R"("model":"claude","choices":[{"index":0,"message":{"role":)"
      R"("assistant","content":"a","refusal":null,"tool_calls":[{"id":"c",)"
      R"("type":"function","function":{"name":"f","arguments":"{}"}}]},)"
      R"("logprobs":null,"finish_reason":"tool_calls"}],"usage":)"
      R"({"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,)"
      R"("prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},)"
      R"("completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,)"
      R"("accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}})");
}

}  // namespace
}  // namespace gateway::chat
