#include "providers/dialects/openai_chat/part_reader.h"

#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {
namespace {

absl::Status ReadPartText(std::string_view json, v1::Part* part) {
  return ReadJson(json, [&](JsonValue& root) { return ReadPart(root, part); });
}

v1::Part PartOf(std::string_view json) {
  v1::Part part;
  const absl::Status status = ReadPartText(json, &part);
  EXPECT_TRUE(status.ok()) << status;
  return part;
}

TEST(OpenAiChatPartReaderTest, AThoughtIsTheTextOfItsPieces) {
  const v1::Part part = PartOf(
      R"({"type":"thinking","thinking":[{"type":"text","text":"Let me "},)"
      R"({"text":"see.","type":"text"}],"closed":true})");
  EXPECT_EQ(part.reasoning().text(), "Let me see.");
  ASSERT_EQ(part.extensions_size(), 1);
  EXPECT_EQ(part.extensions(0).name(), "closed");
  EXPECT_EQ(PartOf(R"({"type":"thinking","thinking":"Hm."})")
                .reasoning()
                .text(),
            "Hm.");
  EXPECT_TRUE(PartOf(R"({"type":"thinking","thinking":[]})").has_reasoning());
}

TEST(OpenAiChatPartReaderTest, AThoughtKeepsWhatIsNoText) {
  const v1::Part part = PartOf(
      R"({"type":"thinking","thinking":[{"type":"text","text":"a"},)"
      R"({"type":"reference","reference_ids":[1]}]})");
  EXPECT_EQ(part.reasoning().text(), "a");
  ASSERT_EQ(part.extensions_size(), 1);
  EXPECT_EQ(part.extensions(0).name(), "thinking");
  EXPECT_EQ(part.extensions(0).json(),
            R"([{"type":"text","text":"a"},)"
            R"({"type":"reference","reference_ids":[1]}])");
}

TEST(OpenAiChatPartReaderTest, WhatNobodyKnowsIsKeptWhole) {
  const std::string_view json = R"({"type":"reference","reference_ids":[1]})";
  const v1::Part part = PartOf(json);
  EXPECT_EQ(part.opaque().dialect(), "openai_chat");
  EXPECT_EQ(part.opaque().json(), json);
}

TEST(OpenAiChatPartReaderTest, AnErrorNamesWhatIsMissing) {
  v1::Part part;
  EXPECT_NE(
      ReadPartText(R"({"type":"thinking"})", &part).message().find("thinking"),
      absl::string_view::npos);
  EXPECT_FALSE(ReadPartText(R"({"text":"a"})", &part).ok());
  EXPECT_FALSE(
      ReadPartText(R"({"type":"thinking","thinking":[1]})", &part).ok());
}

}  // namespace
}  // namespace gateway::chat
