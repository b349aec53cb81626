#include "service/pipeline/answer_folding.h"

#include <string>

#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/gateway.pb.h"

namespace gateway {
namespace {

class AnswerFoldingTest : public testing::Test {
 protected:
  void Add(const std::string& text) {
    v1::GenerateEvent event;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event))
        << text;
    folding_.Add(event);
  }

  AnswerFolding folding_;
};

TEST_F(AnswerFoldingTest, PiecesMakeUpParts) {
  Add(R"(started { id: "r" model: "m" service_tier: "t" })");
  Add(R"(delta { part_index: 0 reasoning: "hm" })");
  Add(R"(delta { part_index: 0 reasoning: "m" })");
  Add(R"(delta { part_index: 0 reasoning_signature: "s" })");
  Add(R"(delta { part_index: 1 text: "for" })");
  Add(R"(delta { part_index: 1 text: "ty" })");
  Add(R"(delta { part_index: 2 tool_call {
           id: "c" name: "f" kind: TOOL_KIND_FUNCTION arguments: "{" } })");
  Add(R"(delta { part_index: 2 tool_call { arguments: "}" } })");
  Add(R"(usage { output_tokens: 3 })");
  Add(R"(choice_end { finish_reason: FINISH_REASON_TOOL_CALLS })");
  // The texts, what frames the beginning and the end, and three parts.
  const auto part_bytes = static_cast<int64_t>(3 * sizeof(v1::Part));
  EXPECT_GT(folding_.size_bytes(), part_bytes + 3 + 1 + 5 + 4);
  EXPECT_LT(folding_.size_bytes(), 2 * part_bytes + 500);
  const v1::GenerateResponse response = folding_.Finish();
  EXPECT_EQ(response.id(), "r");
  EXPECT_EQ(response.model(), "m");
  EXPECT_EQ(response.usage().output_tokens(), 3);
  ASSERT_EQ(response.choices_size(), 1);
  EXPECT_EQ(response.choices(0).finish_reason(), v1::FINISH_REASON_TOOL_CALLS);
  const v1::Message& message = response.choices(0).message();
  EXPECT_EQ(message.role(), v1::ROLE_ASSISTANT);
  ASSERT_EQ(message.parts_size(), 3);
  EXPECT_EQ(message.parts(0).reasoning().text(), "hmm");
  EXPECT_EQ(message.parts(0).reasoning().signature(), "s");
  EXPECT_EQ(message.parts(1).text(), "forty");
  EXPECT_EQ(message.parts(2).tool_call().id(), "c");
  EXPECT_EQ(message.parts(2).tool_call().arguments(), "{}");
}

TEST_F(AnswerFoldingTest, PartsWithoutTextAreCounted) {
  Add(R"(delta { part_index: 0 text: "" })");
  const int64_t first = folding_.size_bytes();
  Add(R"(delta { part_index: 0 text: "four" })");
  EXPECT_EQ(folding_.size_bytes(), first + 4);
  Add(R"(delta { part_index: 1 text: "" })");
  EXPECT_GT(folding_.size_bytes(),
            first + 4 + static_cast<int64_t>(sizeof(v1::Part)));
}

TEST_F(AnswerFoldingTest, ChoicesAreToldApart) {
  Add(R"(delta { choice_index: 1 text: "b" })");
  Add(R"(delta { choice_index: 0 refusal: "a" })");
  const v1::GenerateResponse response = folding_.Finish();
  ASSERT_EQ(response.choices_size(), 2);
  EXPECT_EQ(response.choices(0).message().parts(0).refusal(), "a");
  EXPECT_EQ(response.choices(1).index(), 1);
  EXPECT_EQ(response.choices(1).message().parts(0).text(), "b");
}

TEST_F(AnswerFoldingTest, SoundAndItsWordsGrow) {
  Add(R"(delta { audio { id: "s" data: "ab" transcript: "o" } })");
  Add(R"(delta { audio { data: "c" transcript: "k" } })");
  const v1::GenerateResponse response = folding_.Finish();
  const v1::Audio& audio = response.choices(0).message().parts(0).audio();
  EXPECT_EQ(audio.id(), "s");
  EXPECT_EQ(audio.data(), "abc");
  EXPECT_EQ(audio.transcript(), "ok");
}

TEST_F(AnswerFoldingTest, CitationsMakeUpAList) {
  Add(R"(delta { text: "x" })");
  Add(R"(delta { extensions { dialect: "d" name: "citation" json: "1" } })");
  Add(R"(delta { extensions { dialect: "d" name: "citation" json: "2" } })");
  Add(R"(delta { extensions { dialect: "d" name: "other" json: "3" } })");
  const v1::GenerateResponse response = folding_.Finish();
  const v1::Part& part = response.choices(0).message().parts(0);
  ASSERT_EQ(part.extensions_size(), 2);
  EXPECT_EQ(part.extensions(0).name(), "citations");
  EXPECT_EQ(part.extensions(0).json(), "[1,2]");
  EXPECT_EQ(part.extensions(1).json(), "3");
}

TEST_F(AnswerFoldingTest, FinishGivesTheAnswerAway) {
  Add(R"(delta { text: "x" })");
  EXPECT_EQ(folding_.Finish().choices_size(), 1);
  EXPECT_EQ(folding_.Finish().choices_size(), 0);
  EXPECT_EQ(folding_.size_bytes(), 0);
}

}  // namespace
}  // namespace gateway
