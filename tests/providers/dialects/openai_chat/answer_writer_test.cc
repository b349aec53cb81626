#include "providers/dialects/openai_chat/answer_writer.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"
#include "providers/dialects/openai_chat/fields.h"

namespace gateway::chat {
namespace {

// The fields that are told to be lost are appended to `lost`.
std::string Answer(const std::string& text,
                   std::vector<std::string>* lost = nullptr) {
  v1::Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  std::vector<v1::Warning> warnings;
  DroppedFields dropped(kDialect, &warnings);
  std::string out;
  JsonWriter json(&out);
  const absl::Status status = WriteAnswer(message, json, dropped);
  EXPECT_TRUE(status.ok()) << status;
  for (const v1::Warning& warning : warnings) {
    if (lost != nullptr) lost->push_back(warning.field());
  }
  return out;
}

TEST(OpenAiChatAnswerWriterTest, AnAnswerHasItsNulls) {
  EXPECT_EQ(Answer("role: ROLE_ASSISTANT"),
            R"({"role":"assistant","content":null,"refusal":null})");
  EXPECT_EQ(Answer(R"pb(parts { text: "a" }
                        parts { text: "b" })pb"),
            R"({"role":"assistant","content":"ab","refusal":null})");
}

TEST(OpenAiChatAnswerWriterTest, EncryptedReasoningTravelsWhole) {
  EXPECT_EQ(Answer(R"pb(parts { reasoning { text: "a" signature: "c2ln" } }
                        parts { reasoning { redacted_data: "ZGF0" } }
                        parts { text: "b" })pb"),
            R"({"role":"assistant","content":"b","refusal":null,)"
            R"("reasoning_content":"a","reasoning_details":[)"
            R"({"type":"reasoning.text","text":"a","signature":"c2ln"},)"
            R"({"type":"reasoning.encrypted","data":"ZGF0"}]})");
}

TEST(OpenAiChatAnswerWriterTest, PicturesStandBesideTheText) {
  std::vector<std::string> lost;
  EXPECT_EQ(Answer(R"pb(parts { text: "a" }
                        parts { image { media_type: "image/png" data: "hi" } }
                        parts { image { url: "https://x/y.png" } }
                        parts { image { file_id: "f" } })pb",
                   &lost),
            R"({"role":"assistant","content":"a","refusal":null,"images":[)"
            R"({"type":"image_url","image_url":)"
            R"({"url":"data:image/png;base64,aGk="}},)"
            R"({"type":"image_url","image_url":{"url":"https://x/y.png"}}]})");
  EXPECT_EQ(lost, std::vector<std::string>{"image"});
}

// As a list, since a text alone would not say it all.
TEST(OpenAiChatAnswerWriterTest, PiecesOfTheFormatStayBetweenTheTexts) {
  EXPECT_EQ(Answer(R"pb(parts { text: "a" }
                        parts {
                          opaque {
                            dialect: "openai_chat"
                            json: "{\"type\":\"reference\"}"
                          }
                        }
                        parts { text: "b" })pb"),
            R"({"role":"assistant","content":[{"type":"text","text":"a"},)"
            R"({"type":"reference"},{"type":"text","text":"b"}],)"
            R"("refusal":null})");
}

TEST(OpenAiChatAnswerWriterTest, ContentOfOthersIsToldToBeLeftOut) {
  std::vector<std::string> lost;
  EXPECT_EQ(Answer(R"pb(parts { opaque { dialect: "gemini" json: "{}" } }
                        parts { text: "a" })pb",
                   &lost),
            R"({"role":"assistant","content":"a","refusal":null})");
  EXPECT_EQ(lost, std::vector<std::string>{"opaque"});
}

}  // namespace
}  // namespace gateway::chat
