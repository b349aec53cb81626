#include "providers/dialects/openai_chat/message_reader.h"

#include <string_view>

#include "absl/status/status.h"
#include "base/text/json.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {
namespace {

// Reads the message of an answer.
absl::Status ReadMessage(std::string_view json, v1::Message* message) {
  return ReadJson(json, [&](JsonValue& root) {
    return chat::ReadMessage(root, nullptr, message);
  });
}

v1::Message MessageFromJson(std::string_view json) {
  v1::Message message;
  const absl::Status status = ReadMessage(json, &message);
  EXPECT_TRUE(status.ok()) << status;
  return message;
}

TEST(OpenAiChatMessageReaderTest, PartsComeInOneOrderWhateverTheFieldsOrder) {
  const v1::Message message = MessageFromJson(
      R"({"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{"}}],)"
      R"("audio":{"id":"a"},"refusal":"no","content":"text",)"
      R"("reasoning_content":"hm"})");
  EXPECT_EQ(message.role(), v1::ROLE_ASSISTANT);
  ASSERT_EQ(message.parts_size(), 5);
  EXPECT_EQ(message.parts(0).reasoning().text(), "hm");
  EXPECT_EQ(message.parts(1).text(), "text");
  EXPECT_EQ(message.parts(2).refusal(), "no");
  EXPECT_EQ(message.parts(3).audio().id(), "a");
  EXPECT_EQ(message.parts(4).tool_call().arguments(), "{");
}

TEST(OpenAiChatMessageReaderTest, KnowsTheOtherNameOfReasoning) {
  EXPECT_EQ(MessageFromJson(R"({"reasoning":"hm","content":null})")
                .parts(0)
                .reasoning()
                .text(),
            "hm");
}

TEST(OpenAiChatMessageReaderTest, KeepsArgumentsThatAreATextByteForByte) {
  EXPECT_EQ(
      MessageFromJson(R"({"tool_calls":[{"id":"c","function":{"name":"f",)"
                      R"("arguments":" { \"a\" : 1.0 }"}}]})")
          .parts(0)
          .tool_call()
          .arguments(),
      " { \"a\" : 1.0 }");
  // Some vendors send the object itself, which says as much however it is
  // written.
  EXPECT_EQ(
      MessageFromJson(R"({"tool_calls":[{"id":"c","function":{"name":"f",)"
                      R"("arguments":{ "a" : 1.0 }}}]})")
          .parts(0)
          .tool_call()
          .arguments(),
      "{\"a\":1.0}");
}

TEST(OpenAiChatMessageReaderTest, AFunctionCallOfAnAnswerGetsAnId) {
  const v1::Message message =
      MessageFromJson(R"({"function_call":{"name":"f","arguments":"{}"}})");
  EXPECT_EQ(message.parts(0).tool_call().name(), "f");
  EXPECT_FALSE(message.parts(0).tool_call().id().empty());
}

TEST(OpenAiChatMessageReaderTest, AnAddressMayStandAlone) {
  EXPECT_EQ(MessageFromJson(R"({"role":"user","content":[{"type":"image_url",)"
                            R"("image_url":"https://example.org/a"}]})")
                .parts(0)
                .image()
                .url(),
            "https://example.org/a");
}

TEST(OpenAiChatMessageReaderTest, ABrokenDataUrlIsLeftToTheProvider) {
  const v1::Message message =
      MessageFromJson(R"({"role":"user","content":[{"type":"image_url",)"
                      R"("image_url":{"url":"data:image/png;base64,*"}}]})");
  EXPECT_EQ(message.parts(0).image().url(), "data:image/png;base64,*");
  EXPECT_EQ(message.parts(0).image().media_type(), "");
}

TEST(OpenAiChatMessageReaderTest, TheFieldsOfAPartMayComeInAnyOrder) {
  const v1::Message message =
      MessageFromJson(R"({"role":"user","content":[{"text":"x","type":"text"},)"
                      R"({"hologram":1,"type":"hologram"}]})");
  EXPECT_EQ(message.parts(0).text(), "x");
  EXPECT_EQ(message.parts(1).opaque().json(),
            R"({"hologram":1,"type":"hologram"})");
  EXPECT_TRUE(message.parts(1).extensions().empty());
}

TEST(OpenAiChatMessageReaderTest, RefusesToolCallsWithoutATool) {
  v1::Message message;
  EXPECT_EQ(ReadMessage(R"({"tool_calls":[{"id":"c"}]})", &message).message(),
            "tool_calls[0]: function or custom must be set");
}

TEST(OpenAiChatMessageReaderTest, AListOfContentKeepsItsReasoning) {
  const v1::Message message = MessageFromJson(
      R"({"role":"assistant","content":[{"type":"thinking","thinking":[)"
      R"({"type":"text","text":"Hm."}]},{"type":"text","text":"Four."}]})");
  ASSERT_EQ(message.parts_size(), 2);
  EXPECT_EQ(message.parts(0).reasoning().text(), "Hm.");
  EXPECT_EQ(message.parts(1).text(), "Four.");
}

TEST(OpenAiChatMessageReaderTest, PicturesComeBehindTheText) {
  const v1::Message message = MessageFromJson(
      R"({"images":[{"type":"image_url","image_url":)"
      R"({"url":"data:image/png;base64,aGk="},"index":0}],"content":"Here."})");
  ASSERT_EQ(message.parts_size(), 2);
  EXPECT_EQ(message.parts(0).text(), "Here.");
  EXPECT_EQ(message.parts(1).image().data(), "hi");
  // Those of another form are kept as they are.
  EXPECT_EQ(
      MessageFromJson(R"({"images":[{"type":"new","x":1}],"content":"a"})")
          .extensions(0)
          .json(),
      R"([{"type":"new","x":1}])");
}

}  // namespace
}  // namespace gateway::chat
