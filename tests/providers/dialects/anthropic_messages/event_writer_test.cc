#include "providers/dialects/anthropic_messages/event_writer.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "providers/dialects/anthropic_messages/event_reader.h"
#include "tests/providers/dialects/event_folding.h"

namespace gateway::anthropic {
namespace {

class MessagesEventWriterTest : public testing::Test {
 protected:
  // What writing this event adds.
  std::string Write(const std::string& text) {
    v1::GenerateEvent event;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event));
    std::string out;
    const absl::Status status = writer_.Write(event, &out);
    EXPECT_TRUE(status.ok()) << status;
    stream_ += out;
    return out;
  }

  std::string Call(int part, int call, const std::string& fields) {
    return Write("delta { part_index: " + std::to_string(part) +
                 " tool_call { index: " + std::to_string(call) + " " + fields +
                 " } }");
  }

  // The stream in short, such as `start +0 . . -0 delta stop`.
  std::string Shape() {
    std::string shape;
    SseParser parser(1 << 20);
    EXPECT_TRUE(parser.Feed(stream_).ok());
    SseEvent event;
    while (parser.Next(&event)) {
      shape += shape.empty() ? "" : " ";
      const std::string index(1, event.data[event.data.find("index\":") + 7]);
      if (event.name == "message_start") shape += "start";
      if (event.name == "content_block_start") shape += "+" + index;
      if (event.name == "content_block_delta") shape += ".";
      if (event.name == "content_block_stop") shape += "-" + index;
      if (event.name == "message_delta") shape += "delta";
      if (event.name == "message_stop") shape += "stop";
      if (event.name == "error") shape += "error";
    }
    return shape;
  }

  // The stream as our own reader understands it.
  v1::GenerateResponse Folded() {
    MessagesEventReader reader;
    EventList events;
    EXPECT_TRUE(ReadStream(reader, stream_, 0, &events).ok());
    EXPECT_TRUE(reader.done());
    EventFolding folding;
    for (const v1::GenerateEvent& event : events) folding.Add(event);
    return folding.Finish();
  }

  void Finish() { Write("end { outcome: OUTCOME_FINISHED }"); }

  MessagesEventWriter writer_{{}};
  std::string stream_;
};

TEST_F(MessagesEventWriterTest, TheStartWaitsForUsage) {
  EXPECT_EQ(Write("started { id: 'msg_1' model: 'm' }"), "");
  EXPECT_NE(Write("usage { input_tokens: 9 }").find(R"("input_tokens":9)"),
            std::string::npos);
  EXPECT_EQ(Write("usage { input_tokens: 9 output_tokens: 3 }"), "");
}

TEST_F(MessagesEventWriterTest, WhatItRemembersOfCallsIsCounted) {
  Call(0, 0, "id: 'a' name: 'f' arguments: '{}'");
  Call(1, 1, "id: 'b' name: 'f' arguments: '{}'");
  const size_t one = writer_.held_bytes();
  EXPECT_GT(one, 0u);
  Call(2, 2, "id: 'c' name: 'f' arguments: '{'");
  EXPECT_EQ(writer_.held_bytes(), 2 * one);
  // Of an ended call nothing more is taken.
  EXPECT_EQ(Call(0, 0, "arguments: '{}'"), "");
  EXPECT_EQ(writer_.held_bytes(), 2 * one);
}

TEST_F(MessagesEventWriterTest, WhatWaitsIsCountedOnceAndGoesInOrder) {
  Call(0, 0, "id: 'a' name: 'f' arguments: '{'");
  EXPECT_EQ(writer_.held_bytes(), 0u);
  // Pieces without text take room, too.
  for (int i = 1; i < 100; ++i) Call(i, i, "name: 'f'");
  for (int i = 1; i < 100; ++i) Call(i, i, "arguments: '{}'");
  const size_t waiting = writer_.held_bytes();
  EXPECT_GT(waiting, 2 * 99 * sizeof(v1::Delta));
  Call(0, 0, "arguments: '}'");
  Finish();
  // What is said again when calls have ended takes no more than their names.
  EXPECT_LT(writer_.held_bytes(), waiting + 101 * 100);
  const v1::GenerateResponse answer = Folded();
  ASSERT_EQ(answer.choices(0).message().parts_size(), 100);
  for (const v1::Part& part : answer.choices(0).message().parts()) {
    EXPECT_EQ(part.tool_call().arguments(), "{}");
  }
}

TEST_F(MessagesEventWriterTest, TheEndTellsTheLastUsage) {
  Write("started { id: 'msg_1' model: 'm' }");
  Write("delta { text: 'hi' }");
  Write("choice_end { finish_reason: FINISH_REASON_STOP }");
  Write("usage { input_tokens: 9 output_tokens: 3 cached_input_tokens: 4 }");
  Finish();
  EXPECT_EQ(Shape(), "start +0 . -0 delta stop");
  EXPECT_EQ(Folded().usage().input_tokens(), 9);
  EXPECT_EQ(Folded().usage().cached_input_tokens(), 4);
  EXPECT_EQ(Folded().usage().output_tokens(), 3);
}

TEST_F(MessagesEventWriterTest, NamesTheModelAsItsProviderDoes) {
  MessagesEventWriter writer({.model = "alias"});
  v1::GenerateEvent event;
  event.mutable_started()->set_model("m");
  std::string out;
  ASSERT_TRUE(writer.Write(event, &out).ok());
  event.mutable_delta()->set_text("x");
  ASSERT_TRUE(writer.Write(event, &out).ok());
  EXPECT_NE(out.find(R"("model":"m")"), std::string::npos);
}

TEST_F(MessagesEventWriterTest, PutsInterleavedToolCallsInOrder) {
  Write("started {}");
  Call(0, 0, "id: 'a' name: 'f' arguments: '{\"x\":'");
  Call(1, 1, "id: 'b' name: 'g' arguments: '{\"y\"'");
  Call(0, 0, "arguments: ' \"}{\"'");
  EXPECT_EQ(Shape(), "start +0 . .");
  Call(1, 1, "arguments: ':2'");
  Call(0, 0, "arguments: '}'");
  // The first is whole now, and what has waited flows.
  EXPECT_EQ(Shape(), "start +0 . . . -0 +1 . .");
  Call(1, 1, "arguments: '}'");
  Call(2, 2, "id: 'c' name: 'h'");
  Write("choice_end { finish_reason: FINISH_REASON_TOOL_CALLS }");
  Finish();
  EXPECT_EQ(Shape(), "start +0 . . . -0 +1 . . . -1 +2 -2 delta stop");
  const v1::Message message = Folded().choices(0).message();
  ASSERT_EQ(message.parts_size(), 3);
  EXPECT_EQ(message.parts(0).tool_call().arguments(), "{\"x\": \"}{\"}");
  EXPECT_EQ(message.parts(1).tool_call().arguments(), "{\"y\":2}");
  EXPECT_EQ(message.parts(2).tool_call().arguments(), "{}");
  EXPECT_EQ(Folded().choices(0).finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
}

TEST_F(MessagesEventWriterTest, ACallThatNeverEndsHoldsTheOthersToTheEnd) {
  Call(0, 0, "id: 'a' name: 'f' arguments: '{\"x\":'");
  Call(1, 1, "id: 'b' name: 'g' arguments: '{}'");
  Write("delta { part_index: 2 text: 'bye' }");
  Write("choice_end { finish_reason: FINISH_REASON_LENGTH }");
  Finish();
  EXPECT_EQ(Shape(), "start +0 . -0 +1 . -1 +2 . -2 delta stop");
}

TEST_F(MessagesEventWriterTest, StreamsToolCallsThatFollowOneAnother) {
  Write("delta { part_index: 0 text: 'so' }");
  Call(1, 0, "id: 'a' name: 'f' arguments: '{\"x\":1}'");
  Call(2, 1, "id: 'b' name: 'g' arguments: '{'");
  EXPECT_EQ(Shape(), "start +0 . -0 +1 . -1 +2 .");
}

TEST_F(MessagesEventWriterTest, NothingFollowsAWholeCall) {
  Call(0, 0, "id: 'a' name: 'f' arguments: '{}'");
  Call(1, 1, "id: 'b' name: 'g' arguments: '{}'");
  Call(0, 0, "arguments: ' '");
  Finish();
  EXPECT_EQ(Shape(), "start +0 . -0 +1 . -1 delta stop");
}

TEST_F(MessagesEventWriterTest, TextThatGoesOnOpensANewBlock) {
  Write("delta { part_index: 0 reasoning: 'hm' }");
  Write("delta { part_index: 1 text: 'a' }");
  Write("delta { part_index: 0 reasoning: 'hm2' }");
  Write("delta { part_index: 1 text: 'b' }");
  Finish();
  EXPECT_EQ(Shape(), "start +0 . -0 +1 . -1 +2 . -2 +3 . -3 delta stop");
  const v1::Message message = Folded().choices(0).message();
  ASSERT_EQ(message.parts_size(), 4);
  EXPECT_EQ(message.parts(2).reasoning().text(), "hm2");
}

TEST_F(MessagesEventWriterTest, MakesAnObjectOfFreeText) {
  Call(0, 0, "id: 'a' name: 'f' kind: TOOL_KIND_CUSTOM arguments: 'a \"b'");
  Call(0, 0, "arguments: '\" {\\n'");
  Finish();
  EXPECT_EQ(Folded().choices(0).message().parts(0).tool_call().arguments(),
            R"({"input":"a \"b\" {\n"})");
}

TEST_F(MessagesEventWriterTest, WritesOnlyTheFirstChoice) {
  Write("delta { text: 'a' }");
  EXPECT_EQ(Write("delta { choice_index: 1 text: 'b' }"), "");
  EXPECT_EQ(Write("choice_end { choice_index: 1 "
                  "finish_reason: FINISH_REASON_LENGTH }"),
            "");
  Write("choice_end { finish_reason: FINISH_REASON_STOP }");
  Finish();
  EXPECT_EQ(Folded().choices(0).message().parts_size(), 1);
  EXPECT_EQ(Folded().choices(0).finish_reason(), v1::FINISH_REASON_STOP);
}

TEST_F(MessagesEventWriterTest, ARefusalInWordsIsARefusal) {
  Write("delta { refusal: 'I cannot.' }");
  Write("choice_end { finish_reason: FINISH_REASON_STOP }");
  Finish();
  EXPECT_EQ(Folded().choices(0).provider_finish_reason(), "refusal");
}

TEST_F(MessagesEventWriterTest, SkipsWhatTheFormatHasNot) {
  Write("delta { text: 'a' }");
  const auto told = [](std::string_view what) {
    return ": x-llmgateway-warnings: " + std::string(what) +
           ": left out: anthropic_messages has none\n\n";
  };
  EXPECT_EQ(Write("delta { opaque { dialect: 'gemini' json: '{}' } }"),
            told("opaque"));
  EXPECT_EQ(Write("delta { opaque { dialect: 'gemini' json: '{}' } }"), "");
  EXPECT_EQ(Write("delta { audio { data: 'x' } }"), told("audio"));
  EXPECT_EQ(Write("delta { image { data: 'x' } }"), told("image"));
  EXPECT_EQ(Write("delta { logprobs {} }"), "");
  EXPECT_NE(Write("delta { audio { transcript: 'b' } }"), "");
  Finish();
  EXPECT_EQ(Folded().choices(0).message().parts(0).text(), "ab");
}

TEST_F(MessagesEventWriterTest, KeepsEachEventOnItsLines) {
  Write(
      "delta { part_index: 0 opaque { dialect: 'anthropic_messages' "
      "json: '{\"type\":\\n\"hologram\",\\r\\n\"a\":1}' } }");
  Write("delta { part_index: 1 text: 'a\\n\\nevent: x' }");
  Finish();
  EXPECT_EQ(Shape(), "start +0 -0 +1 . -1 delta stop");
  EXPECT_EQ(Folded().choices(0).message().parts(1).text(), "a\n\nevent: x");
}

TEST_F(MessagesEventWriterTest, AFailureEndsWithAnErrorEvent) {
  Write("started { request_id: 'r1' }");
  Write("delta { text: 'a' }");
  const std::string error = Write(
      "end { outcome: OUTCOME_TRUNCATED error { "
      "reason: ERROR_REASON_PROVIDER_TIMEOUT message: 'too late' } }");
  EXPECT_EQ(error,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
            "\"timeout_error\",\"message\":\"too late\"},"
            "\"request_id\":\"r1\"}\n\n");
  EXPECT_EQ(Shape(), "start +0 . error");
}

TEST_F(MessagesEventWriterTest, AnEmptyAnswerIsWholeToo) {
  Write("started { id: 'msg_1' }");
  Finish();
  EXPECT_EQ(Shape(), "start delta stop");
}

TEST_F(MessagesEventWriterTest, BoundsWhatWaits) {
  Call(0, 0, "id: 'a' name: 'f' arguments: '{'");
  v1::GenerateEvent event;
  event.mutable_delta()->set_part_index(1);
  event.mutable_delta()->set_text(std::string(1 << 20, 'x'));
  absl::Status status;
  std::string out;
  int pieces = 0;
  for (; status.ok() && pieces < 32; ++pieces) {
    status = writer_.Write(event, &out);
  }
  EXPECT_EQ(pieces, 16);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_BAD_RESPONSE);
}

TEST(ObjectProgressTest, KnowsWhenAnObjectIsWholeAtEverySplit) {
  const std::string object = R"( {"a":"}{\"]","b":[{},[1]],"c":{"d":null}} )";
  const size_t end = object.rfind('}') + 1;
  for (size_t cut = 0; cut <= object.size(); ++cut) {
    ObjectProgress progress;
    progress.Feed(std::string_view(object).substr(0, cut));
    EXPECT_EQ(progress.complete(), cut >= end) << cut;
    progress.Feed(std::string_view(object).substr(cut));
    EXPECT_TRUE(progress.complete());
  }
}

}  // namespace
}  // namespace gateway::anthropic
