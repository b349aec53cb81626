#include "base/text/utf8.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(Utf8Test, CharactersAreCountedNotBytes) {
  EXPECT_EQ(CountCharacters("aé€𝄞"), 4);
  EXPECT_EQ(CountCharacters(""), 0);
  // Wherever in words of eight bytes they stand.
  std::string text;
  for (int count = 0; count < 40; ++count) {
    EXPECT_EQ(CountCharacters(text), count);
    EXPECT_EQ(CountCharacters("x" + text), count + 1);
    text += std::vector<std::string>{"a", "é", "€", "𝄞", "\xff"}[count % 5];
  }
}

TEST(Utf8Test, OfEachLengthTheFirstAndTheLastCharacterAreWhole) {
  for (const std::string_view character :
       {"a", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(CharacterBytes(character), character.size());
    EXPECT_EQ(CharacterBytes(std::string(character) + "x"), character.size());
    if (character.size() == 1) continue;
    EXPECT_EQ(CharacterBytes(character.substr(0, character.size() - 1)), 0u);
  }
  EXPECT_EQ(CharacterBytes(std::string_view("\0", 1)), 1u);
  EXPECT_EQ(CharacterBytes(""), 0u);
}

TEST(Utf8Test, OverlongFormsSurrogatesAndWhatNothingBeginsWithAreNone) {
  for (const std::string_view bytes :
       {"\x80", "\xBF", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
        "\xC2x", "\xE2\x82x", "\xF0\x9F\x98x"}) {
    EXPECT_EQ(CharacterBytes(bytes), 0u);
  }
}

TEST(Utf8Test, ACharacterHasUnicodesNumber) {
  const std::pair<std::string_view, uint32_t> characters[] = {
      {"a", 0x61},       {"\x7f", 0x7f},          {"\u0080", 0x80},
      {"\u07ff", 0x7ff}, {"€", 0x20ac},           {"\uffff", 0xffff},
      {"𝄞", 0x1d11e},    {"\U0010ffff", 0x10ffff}};
  for (const auto& [text, code] : characters) {
    const std::string more = std::string(text) + "b";
    EXPECT_EQ(CodePoint(more, CharacterBytes(more)), code);
  }
}

TEST(Utf8Test, TheNextCharacterIsWhereAByteContinuesNone) {
  const std::string_view text = "a€b";
  EXPECT_EQ(NextCharacter(text, 0), 0u);
  EXPECT_EQ(NextCharacter(text, 1), 1u);
  EXPECT_EQ(NextCharacter(text, 2), 4u);
  EXPECT_EQ(NextCharacter(text, 3), 4u);
  EXPECT_EQ(NextCharacter("€", 1), 3u);
  EXPECT_EQ(NextCharacter(text, 7), text.size());
}

TEST(Utf8Test, TextsAreCutBetweenCharacters) {
  const std::string_view text = "a€𝄞";
  EXPECT_EQ(CutText(text, 8), text);
  for (const size_t bytes : {4, 5, 6, 7}) EXPECT_EQ(CutText(text, bytes), "a€");
  for (const size_t bytes : {1, 2, 3}) EXPECT_EQ(CutText(text, bytes), "a");
  EXPECT_EQ(CutText(text, 0), "");
}

TEST(Utf8Test, WhatIsNotUtf8IsCutNearTheLimit) {
  EXPECT_EQ(CutText(std::string(100, '\x80'), 50).size(), 47u);
  EXPECT_EQ(CutText(std::string(100, '\x80'), 2).size(), 0u);
}

}  // namespace
}  // namespace gateway
