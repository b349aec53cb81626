#include "providers/dialects/anthropic_messages/response.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::anthropic {
namespace {

TEST(ReadResponseTest, NeedsNoneOfTheNewerKeys) {
  v1::GenerateResponse response;
  ASSERT_TRUE(ReadResponse(
                  R"({"id":"msg_1","type":"message","role":"assistant",
                      "model":"m","content":[{"type":"text","text":"hi"}],
                      "stop_reason":"end_turn","stop_sequence":null,
                      "usage":{"input_tokens":4,"output_tokens":2}})",
                  &response)
                  .ok());
  EXPECT_EQ(response.id(), "msg_1");
  EXPECT_EQ(response.choices(0).message().role(), v1::ROLE_ASSISTANT);
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(response.choices(0).provider_finish_reason(), "end_turn");
  EXPECT_EQ(response.usage().input_tokens(), 4);
}

TEST(ReadResponseTest, AToolCallWinsOverTheProvidersWord) {
  v1::GenerateResponse response;
  ASSERT_TRUE(ReadResponse(R"({"content":[{"type":"tool_use","id":"i",
                               "name":"f","input":{}}],
                               "stop_reason":"end_turn"})",
                           &response)
                  .ok());
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
  std::string written;
  ASSERT_TRUE(WriteResponse(response, &written, nullptr).ok());
  EXPECT_NE(written.find(R"("stop_reason":"tool_use")"), std::string::npos);
}

// As much is said by it as by the pieces of a stream.
TEST(ReadResponseTest, TheInputOfACallBecomesItsShortestText) {
  v1::GenerateResponse response;
  ASSERT_TRUE(ReadResponse(R"({"content":[{"type":"tool_use","id":"i",
                               "name":"f","input":{ "q": "h\u00e9", "n": 2.50 }
                               }],"stop_reason":"tool_use"})",
                           &response)
                  .ok());
  EXPECT_EQ(response.choices(0).message().parts(0).tool_call().arguments(),
            R"({"q":"hé","n":2.50})");
}

TEST(ReadResponseTest, AnErrorWithoutAnErrorStatusIsAnErrorStill) {
  v1::GenerateResponse response;
  const absl::Status status = ReadResponse(
      R"({"type":"error",
           "error":{"type":"overloaded_error","message":"Busy"}})",
      &response);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(status.message(), "Busy");
}

TEST(ReadResponseTest, WhatIsNoAnswerIsTheProvidersFault) {
  for (const std::string_view body :
       {"", "<html>", "[]", "{}", R"({"content":7})",
        R"({"content":[{"type":"text"}]})", R"({"content":[],"id":7})",
        R"({"content":[],"usage":{"input_tokens":"x"}})"}) {
    v1::GenerateResponse response;
    EXPECT_EQ(FaultReason(ReadResponse(body, &response)),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

std::string Write(const std::string& text) {
  v1::GenerateResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &response));
  std::string body;
  EXPECT_TRUE(WriteResponse(response, &body, nullptr).ok());
  return body;
}

TEST(WriteResponseTest, WritesAnAnswerOfAnotherFormat) {
  EXPECT_TRUE(SameJson(
      Write(R"pb(
        id: "chatcmpl-1"
        model: "gpt"
        choices {
          message {
            role: ROLE_ASSISTANT
            parts { reasoning { text: "hm" } }
            parts { text: "" }
            parts { text: "hello" }
            parts { tool_call { id: "call.1" name: "f" arguments: "" } }
          }
          finish_reason: FINISH_REASON_TOOL_CALLS
          provider_finish_reason: "tool_calls"
        }
        choices {
          index: 1
          message { parts { text: "second" } }
        }
        usage { input_tokens: 10 output_tokens: 5 cached_input_tokens: 4 }
        extensions { dialect: "openai_chat" name: "moderation" json: "{}" }
      )pb"),
      R"({"id":"chatcmpl-1","type":"message","role":"assistant","model":"gpt",
          "content":[
            {"type":"thinking","thinking":"hm","signature":""},
            {"type":"text","text":"hello","citations":null},
            {"type":"tool_use","id":"call.1","name":"f","input":{},
             "caller":{"type":"direct"}}],
          "stop_reason":"tool_use","stop_sequence":null,"stop_details":null,
          "container":null,
          "usage":{"input_tokens":6,"cache_creation_input_tokens":0,
            "cache_read_input_tokens":4,"output_tokens":5,
            "cache_creation":{"ephemeral_5m_input_tokens":0,
                              "ephemeral_1h_input_tokens":0},
            "server_tool_use":null,"service_tier":null,
            "inference_geo":null}})"));
}

TEST(WriteResponseTest, RefusalInWordsIsARefusal) {
  const std::string body = Write(R"pb(
    choices {
      message { parts { refusal: "I cannot." } }
      finish_reason: FINISH_REASON_STOP
    }
  )pb");
  EXPECT_NE(body.find(R"("text":"I cannot.")"), std::string::npos);
  EXPECT_NE(body.find(R"("stop_reason":"refusal")"), std::string::npos);
}

TEST(WriteResponseTest, ArgumentsThatWereCutOffStayReadable) {
  const std::string body = Write(R"pb(
    choices {
      message {
        parts { tool_call { id: "i" name: "f" arguments: "{\"a\": [" } }
      }
      finish_reason: FINISH_REASON_LENGTH
    }
  )pb");
  EXPECT_NE(body.find(R"("input":{"input":"{\"a\": ["})"), std::string::npos);
  EXPECT_NE(body.find(R"("stop_reason":"max_tokens")"), std::string::npos);
}

TEST(WriteResponseTest, NoChoiceIsAnEmptyAnswer) {
  EXPECT_NE(Write("id: 'x'").find(R"("content":[])"), std::string::npos);
}

TEST(CountTokensTest, ReadsWhatItWrites) {
  std::string body;
  WriteCountTokensResponse(40, &body);
  EXPECT_EQ(body, R"({"input_tokens":40})");
  EXPECT_EQ(*ReadCountTokensResponse(body), 40);
}

TEST(CountTokensTest, RefusesWhatIsNoCount) {
  for (const std::string_view body :
       {"", "{}", R"({"input_tokens":-3})", R"({"input_tokens":"4"})"}) {
    EXPECT_EQ(FaultReason(ReadCountTokensResponse(body).status()),
              v1::ERROR_REASON_PROVIDER_BAD_RESPONSE)
        << body;
  }
}

TEST(MessagesResponseTest, APictureIsLeftOutAndTold) {
  v1::GenerateResponse response;
  v1::Message* message = response.add_choices()->mutable_message();
  message->add_parts()->set_text("Here.");
  message->add_parts()->mutable_image()->set_data("x");
  message->add_parts()->mutable_document()->set_text("y");
  std::string body;
  std::vector<v1::Warning> warnings;
  ASSERT_TRUE(WriteResponse(response, &body, &warnings).ok());
  EXPECT_NE(body.find(R"("content":[{"type":"text","text":"Here.",)"
                      R"("citations":null}])"),
            std::string::npos)
      << body;
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].field(), "image");
  EXPECT_EQ(warnings[1].field(), "document");
}

}  // namespace
}  // namespace gateway::anthropic
