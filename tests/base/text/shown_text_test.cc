#include "base/text/shown_text.h"

#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(ShownTextTest, WhatATerminalWouldObeyIsShownAsAnEscape) {
  EXPECT_EQ(ShownText("\x1b[2J\xe2\x80\xae\xc2\x9b\r\x7f"),
            R"(\u001b[2J\u202e\u009b\r\u007f)");
  EXPECT_EQ(ShownText(std::string(1, '\0')), R"(\u0000)");
}

TEST(ShownTextTest, AllElseStaysAsItIs) {
  EXPECT_EQ(ShownText(""), "");
  EXPECT_EQ(ShownText("a \"b\\\n\tc \xc3\xa9"), "a \"b\\\n\tc \xc3\xa9");
  EXPECT_EQ(ShownText("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
}

TEST(ShownTextTest, ALineStaysOne) {
  EXPECT_EQ(ShownLine("a\nb\t\"c\""), R"(a\nb\t"c")");
}

TEST(ShownTextTest, WhatIsShownAgainIsTheSame) {
  const std::string once = ShownText("\x1b\xff\"\\\xc2\x9b");
  EXPECT_EQ(once, "\\u001b\xef\xbf\xbd\"\\\\u009b");
  EXPECT_EQ(ShownText(once), once);
}

TEST(ShownTextTest, APrefixIsOfWholeCharacters) {
  EXPECT_EQ(Utf8Prefix("a\xe2\x82\xac!", 9), "a\xe2\x82\xac!");
  EXPECT_EQ(Utf8Prefix("a\xe2\x82\xac!", 4), "a\xe2\x82\xac");
  EXPECT_EQ(Utf8Prefix("a\xe2\x82\xac!", 3), "a");
  EXPECT_EQ(Utf8Prefix("abc", 0), "");
}

TEST(ShownTextTest, WhatIsNoCharacterBecomesAQuestionMark) {
  EXPECT_EQ(Utf8Prefix("\xff\xe2\x82", 9), "???");
  EXPECT_EQ(Utf8Prefix("f\xfcr", 2), "f?");
}

}  // namespace
}  // namespace gateway
