#include "providers/dialects/openai_chat/chunk_reader.h"

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gtest/gtest.h"
#include "llmgateway/v1/content.pb.h"

namespace gateway::chat {
namespace {

ChatChunk ReadChunk(std::string_view data, bool with_preface = true) {
  ChatChunk chunk;
  const absl::Status status = ReadChatChunk(data, with_preface, &chunk);
  EXPECT_TRUE(status.ok()) << status;
  return chunk;
}

// A chunk of one choice with this delta.
std::string Delta(std::string_view delta) {
  return R"({"choices":[{"index":0,"delta":)" + std::string(delta) + "}]}";
}

TEST(OpenAiChatChunkReaderTest, ThePrefaceIsReadWhereItIsAskedFor) {
  const std::string_view data =
      R"({"id":"i","model":"m","created":7,"choices":[]})";
  EXPECT_EQ(ReadChunk(data).id, "i");
  EXPECT_EQ(ReadChunk(data).created_seconds, 7);
  EXPECT_EQ(ReadChunk(data, /*with_preface=*/false).id, "");
}

TEST(OpenAiChatChunkReaderTest, ATextIsFoundAsItStands) {
  const std::string data = "  " + Delta(R"({"content":"a\n"})");
  const ChatChunk chunk = ReadChunk(data);
  EXPECT_EQ(chunk.choices.at(0).content, "a\n");
  EXPECT_EQ(chunk.raw_text, R"(a\n)");
  EXPECT_EQ(chunk.raw_text.data(), data.data() + data.find("a\\n"));
}

TEST(OpenAiChatChunkReaderTest, AListOfContentIsReadEntryByEntry) {
  const std::string data = Delta(
      R"({"content":[{"type":"thinking","thinking":[{"type":"text",)"
      R"("text":"Hm."}]},{"type":"text","text":"Four."}],)"
      R"("images":[{"type":"image_url","image_url":{"url":"https://x"}}]})");
  const ChatChunk chunk = ReadChunk(data);
  EXPECT_EQ(chunk.choices.at(0).content, "");
  EXPECT_TRUE(chunk.raw_text.empty());
  ASSERT_EQ(chunk.choices[0].content_parts.size(), 3u);
  EXPECT_EQ(chunk.choices[0].content_parts[0].reasoning().text(), "Hm.");
  EXPECT_EQ(chunk.choices[0].content_parts[1].text(), "Four.");
  EXPECT_EQ(chunk.choices[0].content_parts[2].image().url(), "https://x");
}

TEST(OpenAiChatChunkReaderTest, UsageMayStandWithinAChoice) {
  const ChatChunk chunk =
      ReadChunk(R"({"choices":[{"index":0,"delta":{},"usage":)"
                R"({"prompt_tokens":5,"completion_tokens":6}}]})");
  EXPECT_TRUE(chunk.has_usage);
  EXPECT_EQ(chunk.usage.output_tokens(), 6);
  EXPECT_TRUE(chunk.choices.at(0).extensions.empty());
  EXPECT_FALSE(
      ReadChunk(R"({"choices":[{"index":0,"delta":{},"usage":null}]})")
          .has_usage);
}

TEST(OpenAiChatChunkReaderTest, AFailureIsToldWhateverElseThereIs) {
  EXPECT_TRUE(ReadChunk(R"({"choices":[],"error":{"message":"No."}})").failed);
  EXPECT_FALSE(ReadChunk(R"({"choices":[],"error":null})").failed);
  EXPECT_FALSE(ReadChunk(R"({"choices":[],"error":false})").failed);
  ChatChunk chunk;
  EXPECT_FALSE(ReadChatChunk("{\"choices\":1}", true, &chunk).ok());
  EXPECT_FALSE(
      ReadChatChunk(Delta(R"({"content":[{"type":"text"}]})"), true, &chunk)
          .ok());
}

}  // namespace
}  // namespace gateway::chat
