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

}  // namespace
}  // namespace gateway
