#include "providers/dialects/gemini/event_writer.h"

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "tests/providers/dialects/json_equality.h"

namespace gateway::gemini {
namespace {

class GeminiEventWriterTest : public testing::Test {
 protected:
  // What an event amounts to: the data of each server-sent event.
  std::vector<std::string> Write(const std::string& text) {
    v1::GenerateEvent event;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event));
    std::string out;
    const absl::Status status = writer_.Write(event, &out);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<std::string> datas;
    for (absl::string_view frame :
         absl::StrSplit(out, "\n\n", absl::SkipEmpty())) {
      EXPECT_EQ(frame.substr(0, 6), "data: ");
      EXPECT_EQ(frame.find('\n'), absl::string_view::npos);
      datas.emplace_back(frame.substr(6));
    }
    return datas;
  }

  void Start() {
    EXPECT_TRUE(Write("started { id: 'r' model: 'up' }").empty());
  }

  static std::string Piece(std::string_view parts) {
    std::string chunk = R"({"candidates":[{"content":{"parts":[)";
    chunk.append(parts);
    return chunk.append(
        R"(],"role":"model"},"index":0}],"modelVersion":"up","responseId":"r"})");
  }

  ChunkWriter writer_{EventWriter::Options{.model = "asked"}};
};

TEST_F(GeminiEventWriterTest, WritesEachPieceAndThenTheEnd) {
  Start();
  auto chunks = Write("delta { text: 'Hel' }");
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_TRUE(SameJson(chunks[0], Piece(R"({"text":"Hel"})")));
  EXPECT_TRUE(Write("delta { text: '' }").empty());
  EXPECT_TRUE(Write("choice_end { finish_reason: FINISH_REASON_LENGTH "
                    "provider_finish_reason: 'length' }")
                  .empty());
  EXPECT_TRUE(Write("usage { input_tokens: 3 output_tokens: 2 }").empty());
  chunks = Write("end { outcome: OUTCOME_FINISHED }");
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_TRUE(SameJson(chunks[0], R"({"candidates":[
      {"content":{"parts":[{"text":""}],"role":"model"},
       "finishReason":"MAX_TOKENS","index":0}],
      "usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,
                       "totalTokenCount":5},
      "modelVersion":"up","responseId":"r"})"));
}

TEST_F(GeminiEventWriterTest, CallsThatWaitAreCountedAndGoInTheirOrder) {
  Start();
  const auto call = [&](int choice, int index, const std::string& fields) {
    return Write("delta { choice_index: " + std::to_string(choice) +
                 " tool_call { index: " + std::to_string(index) + " " + fields +
                 " } }");
  };
  const auto name_at = [](const std::string& chunk) {
    return chunk.substr(chunk.find(R"("name":)") + 7, 3);
  };
  EXPECT_TRUE(call(1, 7, "name: 'a'").empty());
  const size_t one = writer_.held_bytes();
  EXPECT_GT(one, sizeof(v1::Part));
  EXPECT_TRUE(call(0, 9, "name: 'b'").empty());
  EXPECT_TRUE(call(0, 8, "name: 'c'").empty());
  EXPECT_TRUE(call(1, 6, "name: 'd'").empty());
  EXPECT_EQ(writer_.held_bytes(), 4 * one);
  // One that is whole makes room for the next.
  const auto whole = call(0, 9, "arguments: '{}'");
  ASSERT_EQ(whole.size(), 1u);
  EXPECT_EQ(name_at(whole[0]), R"("b")");
  EXPECT_TRUE(call(0, 5, "name: 'e'").empty());
  EXPECT_LT(writer_.held_bytes(), 5 * one);
  // At the end each choice has its own, that of the first call first.
  const auto rest = Write("end { outcome: OUTCOME_FINISHED }");
  ASSERT_EQ(rest.size(), 5u);
  EXPECT_EQ(name_at(rest[0]), R"("a")");
  EXPECT_EQ(name_at(rest[1]), R"("d")");
  EXPECT_EQ(name_at(rest[2]), R"("c")");
  EXPECT_EQ(name_at(rest[3]), R"("e")");
}

TEST_F(GeminiEventWriterTest, ACallIsWrittenWhenItIsWhole) {
  Start();
  EXPECT_TRUE(Write("delta { tool_call { id: 'c1' name: 'f' "
                    "arguments: '{\"a\": {}' } }")
                  .empty());
  EXPECT_TRUE(
      Write("delta { tool_call { id: 'c2' name: 'g' index: 1 } }").empty());
  auto chunks = Write("delta { tool_call { arguments: '}' } }");
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_TRUE(SameJson(
      chunks[0],
      Piece(R"({"functionCall":{"id":"c1","name":"f","args":{"a":{}}}})")));
  EXPECT_TRUE(Write("delta { tool_call { arguments: ' ' } }").empty());
  chunks = Write("choice_end { finish_reason: FINISH_REASON_TOOL_CALLS }");
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_TRUE(
      SameJson(chunks[0],
               Piece(R"({"functionCall":{"id":"c2","name":"g","args":{}}})")));
}

TEST_F(GeminiEventWriterTest, FreeTextWaitsForTheEndOfItsAnswer) {
  Start();
  EXPECT_TRUE(Write("delta { tool_call { id: 'c' name: 'f' kind: "
                    "TOOL_KIND_CUSTOM arguments: '{}' } }")
                  .empty());
  const auto chunks = Write("choice_end {}");
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_TRUE(SameJson(
      chunks[0],
      Piece(
          R"({"functionCall":{"id":"c","name":"f","args":{"input":"{}"}}})")));
}

TEST_F(GeminiEventWriterTest, ReasoningIsAThoughtAndItsSignatureFollows) {
  Start();
  EXPECT_TRUE(SameJson(Write("delta { reasoning: 'hm' }").at(0),
                       Piece(R"({"text":"hm","thought":true})")));
  EXPECT_TRUE(SameJson(
      Write("delta { reasoning_signature: 'seal:gemini:c2ln' }").at(0),
      Piece(R"({"text":"","thought":true,"thoughtSignature":"c2ln"})")));
  EXPECT_TRUE(Write("delta { redacted_reasoning: 'x' }").empty());
}

// Google's clients take a comment for the beginning of an error.
TEST_F(GeminiEventWriterTest, WhatIsLeftOutIsToldOnceByTheNextEvent) {
  Start();
  EXPECT_TRUE(Write("delta { redacted_reasoning: 'x' }").empty());
  EXPECT_TRUE(Write("delta { redacted_reasoning: 'y' }").empty());
  EXPECT_NE(Write("delta { text: 'a' }")
                .at(0)
                .find(R"("llmgatewayWarnings":["redacted_reasoning: left )"
                      R"(out: gemini has none"])"),
            std::string::npos);
  EXPECT_EQ(Write("delta { text: 'b' }").at(0).find("llmgatewayWarnings"),
            std::string::npos);
}

TEST_F(GeminiEventWriterTest, PiecesOfOthersAreLeftOutAndOursAreKept) {
  Start();
  EXPECT_TRUE(Write("delta { opaque { dialect: 'x' json: '1' } }").empty());
  EXPECT_NE(Write("delta { text: 'a' }").at(0).find("opaque: left out"),
            std::string::npos);
  EXPECT_TRUE(SameJson(
      Write("delta { opaque { dialect: 'gemini' json: '{\\n\"x\": 1}' } }")
          .at(0),
      Piece(R"({"x":1})")));
  EXPECT_TRUE(SameJson(Write("delta { refusal: 'No.' }").at(0),
                       Piece(R"({"text":"No."})")));
  EXPECT_TRUE(SameJson(
      Write("delta { audio { format: 'wav' data: 'hi' } }").at(0),
      Piece(R"({"inlineData":{"mimeType":"audio/wav","data":"aGk="}})")));
  EXPECT_TRUE(SameJson(
      Write("delta { image { media_type: 'image/png' data: 'hi' } }").at(0),
      Piece(R"({"inlineData":{"mimeType":"image/png","data":"aGk="}})")));
}

TEST_F(GeminiEventWriterTest, ExtensionsGoWhereTheyBelong) {
  EXPECT_TRUE(Write("started { id: 'r' extensions { dialect: 'gemini' "
                    "name: 'createTime' json: '\"t\"' } }")
                  .empty());
  EXPECT_TRUE(SameJson(
      Write("delta { text: 'a' "
            "extensions { dialect: 'gemini' name: 'thoughtSignature' "
            "json: '\"c2ln\"' } "
            "extensions { dialect: 'gemini' name: 'citationMetadata' "
            "json: '{}' } extensions { dialect: 'x' name: 'y' json: '1' } }")
          .at(0),
      R"({"candidates":[{"content":{"parts":
          [{"text":"a","thoughtSignature":"c2ln"}],"role":"model"},"index":0,
          "citationMetadata":{}}],"modelVersion":"asked","responseId":"r",
          "createTime":"t"})"));
  EXPECT_TRUE(Write("choice_end { finish_reason: FINISH_REASON_STOP "
                    "extensions { dialect: 'gemini' name: 'avgLogprobs' "
                    "json: '-1' } }")
                  .empty());
  EXPECT_TRUE(SameJson(Write("end { outcome: OUTCOME_FINISHED }").at(0),
                       R"({"candidates":[
      {"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"STOP",
       "index":0,"avgLogprobs":-1}],
      "usageMetadata":{},"modelVersion":"asked","responseId":"r"})"));
}

TEST_F(GeminiEventWriterTest, AFailureIsTheLastEvent) {
  Start();
  Write("delta { text: 'a' }");
  const auto chunks = Write(
      "end { outcome: OUTCOME_TRUNCATED error { "
      "reason: ERROR_REASON_STREAM_INTERRUPTED message: 'gone' } }");
  ASSERT_EQ(chunks.size(), 1u);
  // Clients know an error by its first bytes.
  EXPECT_EQ(chunks[0].find(R"({"error":{"code":502,"message":"gone")"), 0u);
}

TEST_F(GeminiEventWriterTest, AStreamOfNothingStillEnds) {
  const auto chunks = Write("end { outcome: OUTCOME_FINISHED }");
  ASSERT_EQ(chunks.size(), 1u);
  EXPECT_NE(chunks[0].find(R"("finishReason":"STOP")"), std::string::npos);
}

}  // namespace
}  // namespace gateway::gemini
