#include "providers/dialects/openai_responses/event_writer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/text/sse_parser.h"
#include "errors/fault.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "providers/dialects/openai_responses/event_reader.h"
#include "tests/providers/dialects/event_folding.h"
#include "tests/providers/dialects/json_equality.h"
#include "tests/providers/dialects/openai_responses/stream_rules.h"

namespace gateway::responses {
namespace {

class EventWriterTest : public testing::Test {
 protected:
  void Write(const std::string& text) {
    v1::GenerateEvent event;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event));
    const absl::Status status = writer_.Write(event, &stream_);
    EXPECT_TRUE(status.ok()) << status;
  }

  void Delta(int part, const std::string& piece) {
    Write(absl::StrCat("delta { part_index: ", part, " ", piece, " }"));
  }

  void Start() {
    Write("started { id: 'chatcmpl-1' model: 'm' create_time { seconds: 7 } }");
  }

  void Finish(const std::string& reason) {
    Write("usage { input_tokens: 2 output_tokens: 3 }");
    Write("choice_end { finish_reason: FINISH_REASON_" + reason + " }");
    Write("end { outcome: OUTCOME_FINISHED }");
  }

  // The stream in short: names without `response.`, pieces as they are.
  std::vector<std::string> Shape() {
    std::vector<std::string> shape;
    SseParser parser(1 << 20);
    EXPECT_TRUE(parser.Feed(stream_).ok());
    SseEvent event;
    while (parser.Next(&event)) {
      std::string name(event.name);
      if (name.starts_with("response.")) name = name.substr(9);
      shape.push_back(name);
    }
    return shape;
  }

  // The stream as our own reader understands it.
  v1::GenerateResponse Folded() {
    ResponsesEventReader reader;
    EventList events;
    const absl::Status status = ReadStream(reader, stream_, 0, &events);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_TRUE(reader.done());
    EventFolding folding;
    for (const v1::GenerateEvent& event : events) folding.Add(event);
    return folding.Finish();
  }

  ResponsesEventWriter writer_{EventWriter::Options{}};
  std::string stream_;
};

TEST_F(EventWriterTest, TellsEverythingFromBeginningToEnd) {
  Start();
  Delta(0, "reasoning: 'Hm'");
  Delta(1, "text: 'Hel'");
  Delta(1, "text: 'lo.'");
  Delta(2, "tool_call { id: 'c' name: 'f' kind: TOOL_KIND_FUNCTION }");
  Delta(2, "tool_call { arguments: '{}' }");
  Finish("TOOL_CALLS");
  EXPECT_EQ(BrokenRule(stream_), "");
  EXPECT_EQ(Shape(), (std::vector<std::string>{"created",
                                               "in_progress",
                                               "output_item.added",
                                               "reasoning_summary_part.added",
                                               "reasoning_summary_text.delta",
                                               "reasoning_summary_text.done",
                                               "reasoning_summary_part.done",
                                               "output_item.done",
                                               "output_item.added",
                                               "content_part.added",
                                               "output_text.delta",
                                               "output_text.delta",
                                               "output_text.done",
                                               "content_part.done",
                                               "output_item.done",
                                               "output_item.added",
                                               "function_call_arguments.delta",
                                               "function_call_arguments.done",
                                               "output_item.done",
                                               "completed"}));
}

TEST_F(EventWriterTest, TheFirstAndTheLastEventHoldTheResponse) {
  Start();
  Delta(0, "text: 'a'");
  Finish("STOP");
  const size_t data = stream_.find("data: ") + 6;
  EXPECT_TRUE(
      SameJson(stream_.substr(data, stream_.find('\n', data) - data),
               R"({"type":"response.created","sequence_number":0,"response":{
          "id":"resp_chatcmpl-1","object":"response","created_at":7,
          "status":"in_progress","error":null,"incomplete_details":null,
          "model":"m","output":[],"instructions":null,
          "metadata":{},"parallel_tool_calls":true,"temperature":null,
          "tool_choice":"auto","tools":[],"top_p":null}})"));
  EXPECT_EQ(Folded().usage().input_tokens(), 2);
  EXPECT_EQ(Folded().id(), "resp_chatcmpl-1");
}

TEST_F(EventWriterTest, InterleavedCallsStayOpenUntilTheyAreWhole) {
  Start();
  Delta(0, "tool_call { id: 'a' name: 'f' index: 0 arguments: '{\"x\":' }");
  Delta(1, "tool_call { id: 'b' name: 'g' index: 1 arguments: '{}' }");
  Delta(0, "tool_call { index: 0 arguments: '1}' }");
  Delta(2,
        "tool_call { id: 'c' name: 'h' index: 2 kind: TOOL_KIND_CUSTOM "
        "arguments: 'free' }");
  Finish("TOOL_CALLS");
  EXPECT_EQ(BrokenRule(stream_), "");
  const v1::GenerateResponse answer = Folded();
  const v1::Message& message = answer.choices(0).message();
  ASSERT_EQ(message.parts_size(), 3);
  EXPECT_EQ(message.parts(0).tool_call().arguments(), R"({"x":1})");
  EXPECT_EQ(message.parts(1).tool_call().arguments(), "{}");
  EXPECT_EQ(message.parts(2).tool_call().arguments(), "free");
  EXPECT_EQ(message.parts(2).tool_call().kind(), v1::TOOL_KIND_CUSTOM);
}

TEST_F(EventWriterTest, ItemsThatEndTogetherEndInTheirOrder) {
  Start();
  Delta(0, "tool_call { id: 'a' name: 'f' index: 0 arguments: '{' }");
  Delta(1, "tool_call { id: 'b' name: 'f' index: 1 arguments: '{' }");
  Delta(2, "text: 't'");  // Looks at both, and ends none.
  Delta(1, "tool_call { index: 1 arguments: '}' }");
  Delta(0, "tool_call { index: 0 arguments: '}' }");
  const size_t before = stream_.size();
  Delta(3, "reasoning: 'r'");
  const auto done = [&](int index) {
    return stream_.find(absl::StrCat("\"output_index\":", index, ",\"item\":{"),
                        before);
  };
  EXPECT_LT(done(0), done(1));
  EXPECT_LT(done(1), done(2));
  EXPECT_LT(done(2), done(3));
  EXPECT_NE(done(3), std::string::npos);
  // Each ends once, whatever comes twice.
  Write("choice_end { finish_reason: FINISH_REASON_STOP }");
  Finish("STOP");
  EXPECT_EQ(BrokenRule(stream_), "");
  EXPECT_EQ(Folded().choices(0).message().parts_size(), 4);
}

TEST_F(EventWriterTest, WordsThatGoOnLaterAreANewItem) {
  Start();
  Delta(0, "text: 'a'");
  Delta(1, "reasoning: 'r'");
  Delta(0, "text: 'b'");
  Delta(1, "reasoning: 's'");
  Finish("STOP");
  EXPECT_EQ(BrokenRule(stream_), "");
  EXPECT_EQ(Folded().choices(0).message().parts_size(), 4);
}

TEST_F(EventWriterTest, PartsInARowAreOneItem) {
  Start();
  Delta(0, "text: 'a'");
  Delta(1, "refusal: 'no'");
  Finish("CONTENT_FILTER");
  EXPECT_EQ(BrokenRule(stream_), "");
  const std::vector<std::string> shape = Shape();
  EXPECT_EQ(std::count(shape.begin(), shape.end(), "output_item.added"), 1);
  EXPECT_EQ(std::count(shape.begin(), shape.end(), "refusal.done"), 1);
  // The model's own refusal is a complete answer.
  EXPECT_EQ(shape.back(), "completed");
}

TEST_F(EventWriterTest, AnAnswerThatWasCutIsIncomplete) {
  Start();
  Delta(0, "tool_call { id: 'a' name: 'f' arguments: '{\"x\":' }");
  Finish("LENGTH");
  EXPECT_EQ(BrokenRule(stream_), "");
  EXPECT_EQ(Shape().back(), "incomplete");
  EXPECT_NE(stream_.find(R"("reason":"max_output_tokens")"), std::string::npos);
  EXPECT_NE(stream_.find(R"("status":"incomplete","call_id":"a")"),
            std::string::npos);
}

TEST_F(EventWriterTest, SignaturesOfOthersTravelInTheItem) {
  Start();
  Delta(0, "reasoning: 'r'");
  Delta(0, "reasoning_signature: 'EqQB'");
  Delta(1, "redacted_reasoning: 'data'");
  Finish("STOP");
  EXPECT_EQ(BrokenRule(stream_), "");
  const v1::GenerateResponse answer = Folded();
  EXPECT_EQ(answer.choices(0).message().parts(0).reasoning().signature(),
            "EqQB");
  EXPECT_EQ(answer.choices(0).message().parts(1).reasoning().redacted_data(),
            "data");
}

TEST_F(EventWriterTest, AFailureIsToldTwiceAndLast) {
  Start();
  Delta(0, "text: 'a'");
  Write(
      "end { outcome: OUTCOME_TRUNCATED error { "
      "reason: ERROR_REASON_STREAM_INTERRUPTED message: 'broken off' } }");
  const std::vector<std::string> shape = Shape();
  ASSERT_GE(shape.size(), 2u);
  EXPECT_EQ(shape[shape.size() - 2], "error");
  EXPECT_EQ(shape.back(), "failed");
  EXPECT_EQ(BrokenRule(stream_), "");
  ResponsesEventReader reader;
  EventList events;
  const absl::Status status = ReadStream(reader, stream_, 0, &events);
  EXPECT_EQ(FaultReason(status), v1::ERROR_REASON_PROVIDER_UNAVAILABLE);
  EXPECT_EQ(status.message(), "broken off");
}

TEST_F(EventWriterTest, AFailureBeforeTheBeginningIsAStreamAllTheSame) {
  Write(
      "end { outcome: OUTCOME_ERROR error { reason: ERROR_REASON_OVERLOADED "
      "message: 'busy' } }");
  EXPECT_EQ(Shape(), (std::vector<std::string>{"created", "in_progress",
                                               "error", "failed"}));
}

TEST_F(EventWriterTest, AModelThatFailedHasNoError) {
  Start();
  Finish("ERROR");
  EXPECT_EQ(Shape().back(), "failed");
}

TEST_F(EventWriterTest, WhatItHoldsCountsOnce) {
  Start();
  Delta(0, "text: 'four'");
  const size_t item = writer_.held_bytes();
  for (int i = 0; i < 10'000; ++i) Delta(0, "text: 'four'");
  EXPECT_EQ(writer_.held_bytes() - item, 40'000u);
  // The text's JSON takes the place of the text.
  Delta(1, "tool_call { id: 'c' name: 'f' arguments: '{}' }");
  EXPECT_LT(writer_.held_bytes() - item, 41'000 + item);
  Finish("TOOL_CALLS");
  // Each item stands in the last event, whose list is made from its own JSON.
  EXPECT_EQ(Folded().choices(0).message().parts_size(), 2);
}

TEST_F(EventWriterTest, ItemsWithoutTextAreCounted) {
  Start();
  size_t before = writer_.held_bytes();
  const size_t start = stream_.size();
  for (int i = 0; i < 1000; ++i) {
    Delta(i, absl::StrCat("tool_call { index: ", i, " name: 'f' }"));
    EXPECT_GT(writer_.held_bytes(), before + sizeof(v1::Part));
    before = writer_.held_bytes();
  }
  for (int i = 0; i < 1000; ++i) {
    Delta(i, absl::StrCat("tool_call { index: ", i, " arguments: '{}' }"));
  }
  Delta(1000, "text: ''");
  Finish("TOOL_CALLS");
  // At least as much as what the end repeats.
  const size_t last = stream_.rfind("event: response.completed");
  ASSERT_GT(last, start);
  EXPECT_GT(writer_.held_bytes(), stream_.size() - last);
}

TEST_F(EventWriterTest, OtherChoicesHaveNoPlace) {
  Start();
  Write("delta { choice_index: 1 text: 'b' }");
  Write("choice_end { choice_index: 1 finish_reason: FINISH_REASON_LENGTH }");
  Delta(0, "text: 'a'");
  Finish("STOP");
  EXPECT_EQ(BrokenRule(stream_), "");
  EXPECT_EQ(Folded().choices(0).message().parts(0).text(), "a");
}

TEST_F(EventWriterTest, NamesTheModelAsItsProviderDoes) {
  for (const char* said : {"served", ""}) {
    ResponsesEventWriter writer({.model = "asked"});
    v1::GenerateEvent started;
    started.mutable_started()->set_model(said);
    std::string out;
    ASSERT_TRUE(writer.Write(started, &out).ok());
    EXPECT_EQ(out.find(R"("model":"served")") != std::string::npos,
              said[0] != '\0');
    EXPECT_EQ(out.find(R"("model":"asked")") != std::string::npos,
              said[0] == '\0');
  }
}

TEST_F(EventWriterTest, WhatIsNotJsonEndsTheStream) {
  v1::GenerateEvent event;
  event.mutable_delta()->mutable_opaque()->set_dialect("openai_responses");
  event.mutable_delta()->mutable_opaque()->set_json("{");
  EXPECT_EQ(FaultReason(writer_.Write(event, &stream_)),
            v1::ERROR_REASON_INTERNAL);
}

}  // namespace
}  // namespace gateway::responses
