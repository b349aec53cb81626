#include "providers/dialects/openai_chat/part_writer.h"

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

class OpenAiChatPartWriterTest : public testing::Test {
 protected:
  // The content that the parts of a message make.
  std::string Content(const std::string& text, bool text_only) {
    PartList parts = PartsOf(text);
    std::string out;
    JsonWriter json(&out);
    DroppedFields dropped(kDialect, &warnings_);
    const absl::Status status = WriteContent(parts, text_only, json, dropped);
    EXPECT_TRUE(status.ok()) << status;
    return out;
  }

  PartList PartsOf(const std::string& text) {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message_));
    PartList parts;
    for (const v1::Part& part : message_.parts()) parts.push_back(&part);
    return parts;
  }

  v1::Message message_;
  std::vector<v1::Warning> warnings_;
};

TEST_F(OpenAiChatPartWriterTest, ATextAloneIsAString) {
  EXPECT_EQ(Content("parts { text: 'a' }", false), R"("a")");
  EXPECT_EQ(Content("parts { text: 'a' } parts { text: 'b' }", false),
            R"([{"type":"text","text":"a"},{"type":"text","text":"b"}])");
  EXPECT_EQ(Content("", false), R"("")");
}

TEST_F(OpenAiChatPartWriterTest, WhatHasNoPlaceIsLeftOutAndTold) {
  const std::string parts =
      "parts { text: 'a' } parts { image { url: 'https://x' } }";
  EXPECT_EQ(Content(parts, true), R"("a")");
  ASSERT_EQ(warnings_.size(), 1u);
  EXPECT_EQ(warnings_[0].field(), "image");
  EXPECT_EQ(Content(parts, false),
            R"([{"type":"text","text":"a"},)"
            R"({"type":"image_url","image_url":{"url":"https://x"}}])");
}

TEST_F(OpenAiChatPartWriterTest, FieldsWithNothingToSayAreNotThere) {
  std::string out;
  JsonWriter json(&out);
  DroppedFields dropped(kDialect, &warnings_);
  json.StartObject();
  ASSERT_TRUE(WriteToolCalls({}, /*to_caller=*/false, json, dropped).ok());
  ASSERT_TRUE(WriteImages({}, json, dropped).ok());
  ASSERT_TRUE(WriteToolCalls(PartsOf("parts { tool_call { id: 'c' name: 'f' "
                                     "arguments: '{}' } }"),
                             /*to_caller=*/false, json, dropped)
                  .ok());
  ASSERT_TRUE(WriteImages(PartsOf("parts { image { url: 'https://x' } }"), json,
                          dropped)
                  .ok());
  json.EndObject();
  EXPECT_EQ(out,
            R"({"tool_calls":[{"id":"c","type":"function","function":)"
            R"({"name":"f","arguments":"{}"}}],"images":[)"
            R"({"type":"image_url","image_url":{"url":"https://x"}}]})");
}

}  // namespace
}  // namespace gateway::chat
