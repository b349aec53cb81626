#include "providers/dialects/openai_chat/event_writer.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/sse_parser.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"
#include "providers/dialects/dialect.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::chat {
namespace {

// Writes a stream of events, given as protobuf text.
class OpenAiChatEventWriterTest : public testing::Test {
 protected:
  void Write(const std::string& text) {
    v1::GenerateEvent event;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event));
    const absl::Status status = writer_->Write(event, &out_);
    ASSERT_TRUE(status.ok()) << status;
  }

  // The data of the events written since the last call.
  std::vector<std::string> Data() {
    std::vector<std::string> data;
    SseParser parser(1 << 20);
    EXPECT_TRUE(parser.Feed(out_).ok());
    SseEvent event;
    while (parser.Next(&event)) data.emplace_back(event.data);
    out_.clear();
    return data;
  }

  void Use(const EventWriter::Options& options) {
    writer_ = NewEventWriter(options);
  }

  std::unique_ptr<EventWriter> writer_ = NewEventWriter({});
  std::string out_;
};

TEST_F(OpenAiChatEventWriterTest, WhatItKeepsIsCounted) {
  Write("delta { text: 'a' }");
  const size_t choice = writer_->held_bytes();
  EXPECT_GT(choice, 0u);
  Write("delta { text: 'long text that is written and not kept' }");
  EXPECT_EQ(writer_->held_bytes(), choice);
  Write("delta { choice_index: 1 text: 'a' }");
  EXPECT_EQ(writer_->held_bytes(), 2 * choice);
  // A thought is kept for its signature, one at a time.
  Write("delta { part_index: 1 reasoning: 'four' }");
  EXPECT_EQ(writer_->held_bytes(), 2 * choice + 4);
  Write("delta { part_index: 2 reasoning: 'fiver' }");
  EXPECT_EQ(writer_->held_bytes(), 2 * choice + 5);
  Write("delta { part_index: 3 tool_call { kind: TOOL_KIND_CUSTOM } }");
  EXPECT_GT(writer_->held_bytes(), 2 * choice + 5);
}

TEST_F(OpenAiChatEventWriterTest, WritesTheWholeOfAStream) {
  Use({.model = "alias", .stream_usage = false, .created_seconds = 5});
  Write("started { request_id: 'r' model: 'm' service_tier: 'flex' }");
  Write("delta { text: 'a' }");
  Write("usage { input_tokens: 1 }");
  Write("choice_end { finish_reason: FINISH_REASON_STOP }");
  Write("end { outcome: OUTCOME_FINISHED }");
  const std::string head =
      R"({"id":"chatcmpl-r","object":"chat.completion.chunk","created":5,)"
      R"("model":"m","service_tier":"flex","choices":[{"index":0,)";
  EXPECT_EQ(out_,
            "data: " + head +
                R"("delta":{"role":"assistant","content":"","refusal":null},)"
                R"("logprobs":null,"finish_reason":null}]})"
                "\n\ndata: " +
                head +
                R"("delta":{"content":"a"},"logprobs":null,)"
                R"("finish_reason":null}]})"
                "\n\ndata: " +
                head +
                R"("delta":{},"logprobs":null,"finish_reason":"stop"}]})"
                "\n\ndata: [DONE]\n\n");
}

TEST_F(OpenAiChatEventWriterTest, TextsStandEachInAChunkOfItsChoice) {
  Use({.stream_usage = true});
  // A name that looks like what a text stands behind.
  Write(R"(started { id: '"delta":{"content":""' model: 'm' })");
  const std::string head =
      R"({"id":"\"delta\":{\"content\":\"\"","object":"chat.completion.chunk",)"
      R"("created":0,"model":"m","choices":[{"index":)";
  const std::string tail =
      R"(},"logprobs":null,"finish_reason":null}],"usage":null})";
  struct Piece {
    int choice;
    std::string text;  // As protobuf text and in JSON.
  };
  for (const Piece& piece :
       {Piece{0, "a"}, Piece{0, "b\\n\\\"\\\\"}, Piece{1, "c"}, Piece{0, "d"},
        Piece{0, "a text of more than sixteen bytes"}, Piece{0, "\\t"}}) {
    const std::string index = std::to_string(piece.choice);
    Write("delta { choice_index: " + index + " text: \"" + piece.text + "\" }");
    EXPECT_EQ(Data().back(),
              absl::StrCat(head, index, R"(,"delta":{"content":")", piece.text,
                           "\"", tail));
  }
  Write("started { id: 'i' }");
  Write("delta { text: 'e' }");
  EXPECT_NE(Data().back().find(R"({"id":"i",)"), std::string::npos);
}

TEST_F(OpenAiChatEventWriterTest, UsageIsWrittenOnlyWhenAskedFor) {
  Use({.stream_usage = true});
  Write("started { id: 'i' }");
  Write("delta { text: 'a' }");
  for (const std::string& data : Data()) {
    EXPECT_NE(data.find(R"("usage":null)"), std::string::npos) << data;
  }
  Write("usage { input_tokens: 1 }");
  Write("usage { input_tokens: 2 }");
  Write("end { outcome: OUTCOME_FINISHED }");
  const std::vector<std::string> data = Data();
  ASSERT_EQ(data.size(), 2u);
  EXPECT_NE(data[0].find(R"("choices":[],"usage":{"prompt_tokens":2,)"),
            std::string::npos)
      << data[0];
}

TEST_F(OpenAiChatEventWriterTest, ABrokenStreamEndsWithAnErrorAndNoMarker) {
  Write("started { id: 'i' }");
  Write(R"pb(end {
               outcome: OUTCOME_TRUNCATED
               error { reason: ERROR_REASON_STREAM_INTERRUPTED message: "g\n" }
             })pb");
  EXPECT_EQ(out_, R"(data: {"error":{"message":"g\n","type":"server_error",)"
                  R"("param":null,"code":"upstream_error"}})"
                  "\n\n");
}

TEST_F(OpenAiChatEventWriterTest, AFailureWithoutAReasonIsAnInterruption) {
  Write("end { outcome: OUTCOME_ERROR }");
  EXPECT_NE(out_.find("upstream_error"), std::string::npos);
}

TEST_F(OpenAiChatEventWriterTest, EachChoiceBeginsWithItsRole) {
  Write("started { id: 'i' }");
  Write("delta { choice_index: 1 text: 'a' }");
  Write("choice_end { choice_index: 0 finish_reason: FINISH_REASON_LENGTH }");
  const std::vector<std::string> data = Data();
  ASSERT_EQ(data.size(), 4u);
  for (const int i : {0, 2}) {
    EXPECT_NE(data[i].find("\"role\""), std::string::npos) << data[i];
  }
  EXPECT_NE(data[3].find(R"("finish_reason":"length")"), std::string::npos);
}

TEST_F(OpenAiChatEventWriterTest, OnlyTheFirstPieceOfACallNamesIt) {
  Write("started { id: 'i' }");
  Write("delta { tool_call { id: 'c' name: 'run' kind: TOOL_KIND_CUSTOM } }");
  Write("delta { tool_call { arguments: 'ls' } }");
  const std::vector<std::string> data = Data();
  ASSERT_EQ(data.size(), 3u);
  EXPECT_NE(data[1].find(R"({"tool_calls":[{"index":0,"id":"c","type":)"
                         R"("custom","custom":{"name":"run","input":""}}]})"),
            std::string::npos)
      << data[1];
  EXPECT_NE(data[2].find(R"({"tool_calls":[{"index":0,"custom":)"
                         R"({"input":"ls"}}]})"),
            std::string::npos)
      << data[2];
}

TEST_F(OpenAiChatEventWriterTest, ReasoningAndItsSignatureTravel) {
  Write("started { id: 'i' }");
  Write("delta { reasoning: 'hm' }");
  Write("delta { reasoning_signature: 'c2ln' }");
  Write("delta { part_index: 1 redacted_reasoning: 'ZGF0' }");
  const std::vector<std::string> data = Data();
  ASSERT_EQ(data.size(), 4u);
  EXPECT_NE(data[1].find(R"({"reasoning_content":"hm"})"), std::string::npos);
  // With the whole of its text, which clients have to send back.
  EXPECT_NE(data[2].find(R"({"reasoning_details":[{"type":"reasoning.text",)"
                         R"("text":"hm","signature":"c2ln","index":0}]})"),
            std::string::npos);
  EXPECT_NE(data[3].find(R"({"reasoning_details":[{"type":)"
                         R"("reasoning.encrypted","data":"ZGF0","index":1}]})"),
            std::string::npos);
}

TEST_F(OpenAiChatEventWriterTest, WhatOthersSayIsPassedOver) {
  Write("started { id: 'i' extensions { dialect: 'x' name: 'y' json: '1' } }");
  Write("delta { text: 'a' }");
  Data();
  Write("delta { opaque { dialect: 'x' json: '{}' } }");
  Write("delta { opaque { dialect: 'x' json: '{}' } }");
  Write("delta { part_index: 3 }");
  EXPECT_EQ(out_,
            ": x-llmgateway-warnings: opaque: left out: openai_chat has "
            "none\n\n");
}

TEST_F(OpenAiChatEventWriterTest, ALineEndOfAnExtensionDoesNotEndTheEvent) {
  Write("started { id: 'i' }");
  Write(R"pb(delta {
               text: "a\nb"
               extensions {
                 dialect: "openai_chat"
                 name: "x"
                 json: "{\n\r\n \"k\": 1}"
               }
             })pb");
  const std::vector<std::string> data = Data();
  ASSERT_EQ(data.size(), 2u);
  EXPECT_TRUE(SameJson(
      data[1],
      R"({"id":"i","object":"chat.completion.chunk","created":0,"model":"",)"
      R"("choices":[{"index":0,"delta":{"content":"a\nb"},"logprobs":null,)"
      R"("finish_reason":null,"x":{"k":1}}]})"));
}

TEST_F(OpenAiChatEventWriterTest, WhatComesWholeIsWrittenAsInAWholeAnswer) {
  Write("started { id: 'i' }");
  Write("delta { image { media_type: 'image/png' data: 'hi' } }");
  Write("delta { opaque { dialect: 'openai_chat' "
        "json: '{\"type\":\"reference\"}' } }");
  const std::vector<std::string> data = Data();
  ASSERT_EQ(data.size(), 3u);
  EXPECT_NE(data[1].find(R"("delta":{"images":[{"type":"image_url",)"
                         R"("image_url":{"url":"data:image/png;base64,)"
                         R"(aGk="}}]})"),
            std::string::npos);
  EXPECT_NE(data[2].find(R"("delta":{"content":[{"type":"reference"}]})"),
            std::string::npos);
}

}  // namespace
}  // namespace gateway::chat
