#include "base/text/byte_words.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ByteWordsTest, FindsTheFirstByteBelowALimitWhereverItStands) {
  for (size_t at = 0; at < 8; ++at) {
    for (const char other : {'\x20', 'a', '\x7f', '\x80', '\xff'}) {
      for (int c = 0; c < 0x20; ++c) {
        std::string text(8, other);
        EXPECT_EQ(FirstBelow(LoadWord(text.data()), 0x20), 0u);
        text[at] = static_cast<char>(c);
        const uint64_t found = FirstBelow(LoadWord(text.data()), 0x20);
        ASSERT_NE(found, 0u) << at << " " << c;
        EXPECT_EQ(IndexOfFirst(found), at);
      }
    }
  }
}

TEST(ByteWordsTest, TheFirstOfTwoIsFound) {
  const std::string text = "ab\"d\"f\"h";
  const uint64_t quotes = LoadWord(text.data()) ^ EachByte('"');
  EXPECT_EQ(IndexOfFirst(FirstZero(quotes)), 2u);
  EXPECT_EQ(FirstZero(LoadWord(text.data())), 0u);
}

TEST(ByteWordsTest, PutsAsciiLettersIntoLowerCaseAndNothingElse) {
  for (int c = 0; c < 0x100; ++c) {
    const int lower = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    for (const char other : {'Z', '\xff'}) {
      const char other_lower = other == 'Z' ? 'z' : other;
      const std::string text =
          std::string(1, static_cast<char>(c)) + std::string(7, other);
      const std::string expected = std::string(1, static_cast<char>(lower)) +
                                   std::string(7, other_lower);
      EXPECT_EQ(ToLower(LoadWord(text.data())), LoadWord(expected.data()));
    }
  }
}

}  // namespace
}  // namespace gateway
