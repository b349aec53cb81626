#include "providers/dialects/openai_chat/repeated_chunk.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace gateway::chat {
namespace {

constexpr char kBefore[] = R"({"id":"1","choices":[{"delta":{"content":")";
constexpr char kAfter[] = R"("},"finish_reason":null}]})";

std::string Chunk(const std::string& text) {
  return absl::StrCat(kBefore, text, kAfter);
}

class RepeatedChunkTest : public testing::Test {
 protected:
  void Learn(const std::string& text) {
    repeated_.Learn(Chunk(text), std::string_view(kBefore).size(), text.size());
  }
  std::string TextOf(const std::string& data) {
    return std::string(repeated_.TextOf(data));
  }

  RepeatedChunk repeated_;
};

TEST_F(RepeatedChunkTest, KnowsNothingAtFirst) {
  EXPECT_EQ(TextOf(Chunk("text")), "");
  EXPECT_EQ(TextOf(""), "");
}

TEST_F(RepeatedChunkTest, FindsTheTextOfAChunkThatIsOtherwiseTheSame) {
  Learn("four");
  for (const std::string text : {"four", "ty", " ", "a much longer text",
                                 "gr\xC3\xB6\xC3\x9F"
                                 "er",
                                 "\x7F"}) {
    EXPECT_EQ(TextOf(Chunk(text)), text);
  }
}

TEST_F(RepeatedChunkTest, LeavesToOthersWhatIsNotPlain) {
  Learn("four");
  for (const std::string text :
       {"", "a\\nb", "\\u0041", "a\"b", "\",\"role\":\"x", "a\nb", "\x1F",
        "\xFF", "\xC3", "\xED\xA0\x80"}) {
    EXPECT_EQ(TextOf(Chunk(text)), "") << text;
  }
  EXPECT_EQ(TextOf(std::string(kBefore) + std::string(1, '\0') + kAfter), "");
}

TEST_F(RepeatedChunkTest, LeavesToOthersWhatDiffersElsewhere) {
  Learn("four");
  const std::string chunk = Chunk("text");
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (i >= std::string_view(kBefore).size() &&
        i < chunk.size() - std::string_view(kAfter).size()) {
      continue;
    }
    std::string other = chunk;
    other[i] ^= 1;
    EXPECT_EQ(TextOf(other), "") << other;
    other = chunk;
    other.erase(i, 1);
    EXPECT_EQ(TextOf(other), "") << other;
  }
  EXPECT_EQ(TextOf(chunk + " "), "");
}

TEST_F(RepeatedChunkTest, WhatSurroundsTheTextMustNotOverlap) {
  repeated_.Learn(R"("""x""")", 3, 1);
  EXPECT_EQ(TextOf(R"("""""")"), "");
  EXPECT_EQ(TextOf(R"(""""")"), "");
  EXPECT_EQ(TextOf(R"("""y""")"), "y");
}

TEST_F(RepeatedChunkTest, GoesByTheLastThatItLearned) {
  Learn("four");
  repeated_.Learn(R"({"content":"x"})", 12, 1);
  EXPECT_EQ(TextOf(Chunk("ty")), "");
  EXPECT_EQ(TextOf(R"({"content":"ty"})"), "ty");
}

}  // namespace
}  // namespace gateway::chat
