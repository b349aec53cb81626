#include "providers/said_output.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

namespace v1 = ::llmgateway::v1;

int64_t CharactersOfDelta(const std::string& delta) {
  v1::GenerateEvent event;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      delta, event.mutable_delta()))
      << delta;
  SaidOutput said;
  said.Add(event);
  return said.characters();
}

int64_t CharactersOfPart(const std::string& part) {
  v1::GenerateResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      part, response.add_choices()->mutable_message()->add_parts()))
      << part;
  SaidOutput said;
  said.Add(response);
  return said.characters();
}

TEST(SaidOutputTest, APieceCountsAsTheWholeDoes) {
  struct Case {
    std::string delta;
    std::string part;
    int64_t characters;
  };
  const std::string code =
      R"(opaque { json: '{"executableCode":{"language":"PYTHON",)"
      R"("code":"print(1)\\n"}}' })";
  // What a search has found nobody has said.
  const std::string found =
      R"(opaque { json: '{"type":"web_search_tool_result","content":[)"
      R"({"type":"web_search_result","encrypted_content":"EqgfCio"}]}' })";
  const std::string call =
      R"(opaque { json: '{"type":"server_tool_use","id":"s1",)"
      R"("name":"web","input":{"query":"a"}}' })";
  for (const Case& each :
       {Case{"", "", 0},
        {"text: '12345'", "text: '12345'", 5},
        {"text: '日本'", "text: '日本'", 2},
        {"refusal: '123'", "refusal: '123'", 3},
        {"reasoning: '1234'", "reasoning { text: '1234' signature: 'x' }", 4},
        {"reasoning_signature: 'x'", "reasoning { redacted_data: 'x' }", 0},
        {"tool_call { id: 'c1' name: 'fé' arguments: '{}' }",
         "tool_call { id: 'c1' name: 'fé' arguments: '{}' }", 4},
        {code, code, 9},
        {found, found, 0},
        {call, call, 3 + 13},
        {"image { data: 'x' }", "image { data: 'x' }", kCharactersOfMedium},
        {"audio { data: 'x' }", "audio { data: 'x' }", kCharactersOfMedium}}) {
    EXPECT_EQ(CharactersOfDelta(each.delta), each.characters) << each.delta;
    EXPECT_EQ(CharactersOfPart(each.part), each.characters) << each.part;
  }
}

TEST(SaidOutputTest, AllSoundOfAnAnswerIsOneMedium) {
  SaidOutput said;
  v1::GenerateEvent event;
  event.mutable_delta()->mutable_audio()->set_data("x");
  for (int i = 0; i < 100; ++i) said.Add(event);
  EXPECT_EQ(said.characters(), kCharactersOfMedium);
  EXPECT_EQ(said.Tokens(), 1000);
}

TEST(SaidOutputTest, FourCharactersAreAToken) {
  SaidOutput said;
  EXPECT_EQ(said.Tokens(), 0);
  v1::GenerateEvent event;
  event.mutable_delta()->set_text("日本語だ");
  said.Add(event);
  EXPECT_EQ(said.Tokens(), 1);
  said.Add(event);
  event.mutable_delta()->set_text("a");
  said.Add(event);
  EXPECT_EQ(said.Tokens(), 3);
}

TEST(SaidOutputTest, WhatTheProviderHasCountedIsNotEstimated) {
  SaidOutput said;
  v1::GenerateEvent text;
  text.mutable_delta()->set_text(std::string(400, 'x'));
  v1::GenerateEvent usage;
  usage.mutable_usage()->set_output_tokens(1);
  // A placeholder, before anything was said.
  said.Add(usage);
  EXPECT_EQ(said.Tokens(), 0);
  said.Add(text);
  usage.mutable_usage()->set_output_tokens(70);
  said.Add(usage);
  EXPECT_EQ(said.Tokens(), 70);
  said.Add(text);
  EXPECT_EQ(said.Tokens(), 170);
}

}  // namespace
}  // namespace gateway
