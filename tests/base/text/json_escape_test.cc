#include "base/text/json_escape.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

using std::string_view_literals::operator""sv;

std::string Escaped(std::string_view text, size_t bytes_limit = 1000) {
  std::string out;
  AppendJsonEscaped(text, bytes_limit, &out);
  return out;
}

TEST(JsonEscapeTest, PlainTextStaysAsItIs) {
  EXPECT_EQ(Escaped("gpt-5 / \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80"),
            "gpt-5 / \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80");
  EXPECT_EQ(Escaped(""), "");
}

TEST(JsonEscapeTest, WhatWouldBreakTheLineIsEscaped) {
  EXPECT_EQ(Escaped("a\"b\\c\b\f\n\r\t"), R"(a\"b\\c\b\f\n\r\t)");
  EXPECT_EQ(Escaped("\0\x01\x1f\x7f"sv), R"(\u0000\u0001\u001f\u007f)");
}

TEST(JsonEscapeTest, WhatMovesWhatIsShownIsEscaped) {
  // Controls above ASCII, as the one that begins sequences of a terminal.
  EXPECT_EQ(Escaped("a\xC2\x9B[2Jb"), R"(a\u009b[2Jb)");
  EXPECT_EQ(Escaped("\xC2\x80\xC2\x9F\xC2\xA0"), "\\u0080\\u009f\xC2\xA0");
  // From right to left, isolated, without width, the end of a line.
  EXPECT_EQ(Escaped("gpt\xE2\x80\xAE"
                    "5-"),
            R"(gpt\u202e5-)");
  EXPECT_EQ(Escaped("\xE2\x81\xA6\xE2\x80\x8B\xE2\x80\xA8\xEF\xBB\xBF"),
            R"(\u2066\u200b\u2028\ufeff)");
  EXPECT_EQ(Escaped("a\xF3\xA0\x81\x81"), R"(a\udb40\udc41)");
  // What joins letters of a script or pictures is a part of them.
  EXPECT_EQ(Escaped("\xE2\x80\x8C\xE2\x80\x8D"), "\xE2\x80\x8C\xE2\x80\x8D");
}

TEST(JsonEscapeTest, AppendsToWhatIsThere) {
  std::string out = "x";
  AppendJsonEscaped("\n", 10, &out);
  EXPECT_EQ(out, "x\\n");
}

TEST(JsonEscapeTest, WhatIsNotUtf8BecomesReplacementCharacters) {
  constexpr std::string_view kReplaced = "\xEF\xBF\xBD";
  for (const std::string_view byte :
       {"\x80", "\xBF", "\xC0", "\xC1", "\xC2", "\xE0", "\xF5", "\xFF"}) {
    EXPECT_EQ(Escaped(byte), kReplaced);
  }
  // Overlong, a surrogate, beyond the last character, cut short.
  EXPECT_EQ(Escaped("\xC0\xAF").size(), 2 * kReplaced.size());
  EXPECT_EQ(Escaped("\xE0\x9F\xBF").size(), 3 * kReplaced.size());
  EXPECT_EQ(Escaped("\xED\xA0\x80").size(), 3 * kReplaced.size());
  EXPECT_EQ(Escaped("\xF0\x8F\xBF\xBF").size(), 4 * kReplaced.size());
  EXPECT_EQ(Escaped("\xF4\x90\x80\x80").size(), 4 * kReplaced.size());
  EXPECT_EQ(Escaped("a\xE2\x82"),
            "a" + std::string(kReplaced) + std::string(kReplaced));
}

TEST(JsonEscapeTest, TheFirstAndLastCharacterOfEachLengthPass) {
  for (const std::string_view character :
       {"\xC2\xA0", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(Escaped(character), character);
  }
}

TEST(JsonEscapeTest, LongTextsAreCutBetweenCharacters) {
  EXPECT_EQ(Escaped("abcd", 4), "abcd");
  EXPECT_EQ(Escaped("abcde", 4), "abcd...");
  EXPECT_EQ(Escaped("ab\xE2\x82\xAC", 5), "ab\xE2\x82\xAC");
  EXPECT_EQ(Escaped("ab\xE2\x82\xAC", 4), "ab...");
  EXPECT_EQ(Escaped("ab\xE2\x82\xAC", 3), "ab...");
  EXPECT_EQ(Escaped("ab\xE2\x82\xAC", 0), "...");
}

// Copies within its bounds: what follows stays.
bool CopiesAsItIs(const std::string& text) {
  std::string out(text.size() + 1, '#');
  if (!CopyPlainJsonText(text, out.data())) return false;
  EXPECT_EQ(out, text + "#");
  return true;
}

TEST(IsPlainJsonTextTest, AgreesWithTheEscapingForEveryByteAtEveryPlace) {
  for (size_t size = 1; size <= 17; ++size) {
    for (size_t place = 0; place < size; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        for (const char filler : {' ', 'a', '~'}) {
          std::string text(size, filler);
          text[place] = static_cast<char>(byte);
          const bool plain = byte < 0x80 && Escaped(text) == text;
          ASSERT_EQ(IsPlainJsonText(text), plain)
              << size << " " << place << " " << byte;
          ASSERT_EQ(CopiesAsItIs(text), plain)
              << size << " " << place << " " << byte;
        }
      }
    }
  }
  EXPECT_TRUE(IsPlainJsonText(""));
  EXPECT_TRUE(CopiesAsItIs(""));
}

}  // namespace
}  // namespace gateway
