#include "providers/mock/mock_answer.h"

#include <map>
#include <string>
#include <vector>

#include "base/text/json.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

constexpr char kReply[] = "This is the reply.";

v1::GenerateResponse Answer(const std::string& request_text,
                            const std::string& reply = kReply) {
  v1::GenerateRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(request_text,
                                                            &request))
      << request_text;
  v1::GenerateResponse response;
  WriteMockAnswer(request, "mock-model", reply, &response);
  return response;
}

std::string TextOf(const v1::GenerateResponse& response, int choice = 0) {
  return response.choices(choice).message().parts(0).text();
}

std::string ExampleOf(const std::string& schema) {
  v1::GenerateRequest request;
  request.mutable_response_format()->set_kind(
      v1::ResponseFormat::KIND_JSON_SCHEMA);
  request.mutable_response_format()->set_schema(schema);
  v1::GenerateResponse response;
  WriteMockAnswer(request, "m", kReply, &response);
  const std::string text = TextOf(response);
  EXPECT_TRUE(CheckJson(text).ok()) << text;
  return text;
}

// The pieces of text of one choice, joined by '|'.
std::map<int, std::string> Pieces(const EventList& events) {
  std::map<int, std::string> pieces;
  for (const v1::GenerateEvent& event : events) {
    if (!event.has_delta()) continue;
    std::string& text = pieces[event.delta().choice_index()];
    if (!text.empty()) text += "|";
    text += event.delta().text() + event.delta().tool_call().arguments();
  }
  return pieces;
}

TEST(MockAnswerTest, SaysTheReplyAndStops) {
  const v1::GenerateResponse response = Answer("");
  ASSERT_EQ(response.choices_size(), 1);
  EXPECT_EQ(TextOf(response), kReply);
  EXPECT_EQ(response.model(), "mock-model");
  EXPECT_EQ(response.choices(0).message().role(), v1::ROLE_ASSISTANT);
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_STOP);
}

TEST(MockAnswerTest, IsTheSameEachTime) {
  EXPECT_EQ(Answer("sampling { choice_count: 3 }").SerializeAsString(),
            Answer("sampling { choice_count: 3 }").SerializeAsString());
}

TEST(MockAnswerTest, GivesAsManyChoicesAsAreAskedFor) {
  const v1::GenerateResponse response =
      Answer("sampling { choice_count: 3 }");
  ASSERT_EQ(response.choices_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(response.choices(i).index(), i);
    EXPECT_EQ(TextOf(response, i), kReply);
  }
}

TEST(MockAnswerTest, AStopTextCutsTheReply) {
  const v1::GenerateResponse cut =
      Answer(R"(sampling { stop: "reply" stop: " is" stop: "absent" })");
  EXPECT_EQ(TextOf(cut), "This");
  EXPECT_EQ(cut.choices(0).stop_sequence(), " is");
  const v1::GenerateResponse whole = Answer(R"(sampling { stop: "absent" })");
  EXPECT_EQ(TextOf(whole), kReply);
  EXPECT_EQ(whole.choices(0).stop_sequence(), "");
}

constexpr char kTools[] = R"(
    tools { provider { dialect: "d" json: "{}" } }
    tools { function { name: "first" parameters_schema:
        "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}"
    } }
    tools { function { name: "second" } })";

TEST(MockAnswerTest, CallsAToolOnlyIfItMust) {
  EXPECT_EQ(TextOf(Answer(kTools)), kReply);
  EXPECT_EQ(TextOf(Answer(std::string(kTools) +
                          "tool_choice { mode: MODE_AUTO }")),
            kReply);
  const v1::GenerateResponse required =
      Answer(std::string(kTools) + "tool_choice { mode: MODE_REQUIRED }");
  const v1::ToolCall& call =
      required.choices(0).message().parts(0).tool_call();
  EXPECT_EQ(call.name(), "first");
  EXPECT_EQ(call.arguments(), R"({"city":"mock"})");
  EXPECT_FALSE(call.id().empty());
  EXPECT_EQ(required.choices(0).finish_reason(),
            v1::FINISH_REASON_TOOL_CALLS);
}

TEST(MockAnswerTest, CallsTheToolThatIsNamed) {
  const v1::GenerateResponse named =
      Answer(std::string(kTools) +
             R"(tool_choice { mode: MODE_TOOL tool_name: "second" })");
  EXPECT_EQ(named.choices(0).message().parts(0).tool_call().name(), "second");
  EXPECT_EQ(named.choices(0).message().parts(0).tool_call().arguments(), "{}");
}

TEST(MockAnswerTest, AnswersWithAnObjectWhereJsonIsAskedFor) {
  const std::string text =
      TextOf(Answer("response_format { kind: KIND_JSON_OBJECT }",
                    "say \"hi\"\n"));
  EXPECT_EQ(text, R"({"reply":"say \"hi\"\n"})");
}

TEST(MockAnswerTest, SatisfiesSimpleSchemas) {
  EXPECT_EQ(ExampleOf(R"({"type":"object","properties":{
                "s":{"type":"string"},"i":{"type":"integer"},
                "n":{"type":"number"},"b":{"type":"boolean"},
                "z":{"type":"null"},"a":{"type":"array"},
                "o":{"type":"object","properties":{"k":{"const":"v"}}},
                "e":{"enum":["red","green"]},
                "u":{"type":["integer","null"]}},
                "required":["s"],"additionalProperties":false})"),
            R"({"s":"mock","i":1,"n":1,"b":true,"z":null,"a":[],)"
            R"("o":{"k":"v"},"e":"red","u":1})");
  EXPECT_EQ(ExampleOf(R"({"properties":{"x":{}}})"), R"({"x":{}})");
  EXPECT_EQ(ExampleOf(R"({"enum":[null,1]})"), "null");
}

TEST(MockAnswerTest, WhatIsNoSchemaGetsAnEmptyObject) {
  for (const char* schema : {"", "{", "[1]", "7", "{\"properties\":3}"}) {
    const std::string example = ExampleOf(schema);
    EXPECT_TRUE(example == "{}" || example == "null") << example;
  }
}

TEST(MockAnswerTest, ADeepSchemaIsSurvived) {
  std::string schema;
  for (int i = 0; i < 10'000; ++i) schema += "{\"properties\":{\"a\":";
  EXPECT_EQ(ExampleOf(schema + "{}" + std::string(20'000, '}')), "{}");
}

TEST(CutMockAnswerTest, BeginsDeliversEndsAndCounts) {
  v1::GenerateResponse answer = Answer("");
  answer.mutable_usage()->set_output_tokens(20);
  const EventList events = CutMockAnswer(answer, 3);
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[0].started().id(), answer.id());
  EXPECT_EQ(events[0].started().model(), "mock-model");
  EXPECT_EQ(Pieces(events)[0], "This i|s the |reply.");
  EXPECT_EQ(events[4].choice_end().finish_reason(), v1::FINISH_REASON_STOP);
  EXPECT_EQ(events[5].usage().output_tokens(), 20);
}

TEST(CutMockAnswerTest, ComesInExactlySoManyPieces) {
  const v1::GenerateResponse answer = Answer("");
  for (const int pieces : {1, 2, 7, 17, 18}) {
    EXPECT_EQ(CutMockAnswer(answer, pieces).size(), pieces + 3u);
  }
  // A character each is the most there can be.
  EXPECT_EQ(CutMockAnswer(answer, 100'000).size(), 18u + 3u);
}

TEST(CutMockAnswerTest, NeverCutsACharacter) {
  const std::string reply = "aä日😀é" + std::string("😀😀") + "z";
  const v1::GenerateResponse answer = Answer("", reply);
  for (int pieces = 1; pieces < 40; ++pieces) {
    std::string joined;
    for (const v1::GenerateEvent& event : CutMockAnswer(answer, pieces)) {
      EXPECT_TRUE(IsUtf8(event.delta().text()));
      joined += event.delta().text();
    }
    EXPECT_EQ(joined, reply);
  }
}

TEST(CutMockAnswerTest, EveryChoiceComesWhole) {
  const v1::GenerateResponse answer = Answer("sampling { choice_count: 2 }");
  std::map<int, std::string> pieces = Pieces(CutMockAnswer(answer, 2));
  EXPECT_EQ(pieces.size(), 2u);
  EXPECT_EQ(pieces[0], "This is t|he reply.");
  EXPECT_EQ(pieces[1], pieces[0]);
}

TEST(CutMockAnswerTest, AToolCallBeginsWithItsNameAndThenItsArguments) {
  const v1::GenerateResponse answer =
      Answer(std::string(kTools) + "tool_choice { mode: MODE_REQUIRED }");
  const EventList events = CutMockAnswer(answer, 2);
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[1].delta().tool_call().name(), "first");
  EXPECT_EQ(events[1].delta().tool_call().arguments(), "");
  EXPECT_EQ(events[2].delta().tool_call().arguments() +
                events[3].delta().tool_call().arguments(),
            R"({"city":"mock"})");
  EXPECT_EQ(events[4].choice_end().finish_reason(),
            v1::FINISH_REASON_TOOL_CALLS);
}

TEST(CutMockAnswerTest, AnEmptyReplyStillEnds) {
  const EventList events = CutMockAnswer(Answer("", ""), 4);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_TRUE(events[1].has_choice_end());
}

}  // namespace
}  // namespace gateway
