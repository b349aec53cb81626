#include "base/text/unescaped_text.h"

#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(UnescapedTextTest, EscapesAreReadAndWhatIsNoneStays) {
  const auto unescaped = [](std::string_view inside) {
    std::string out;
    AppendUnescapedJson(inside, &out);
    return out;
  };
  EXPECT_EQ(unescaped(R"(a\"\\\/\n\u0040\u00e9\ud83d\ude00)"),
            "a\"\\/\n@\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(unescaped(R"(\ud800\u0040)"), R"(\ud800@)");
  EXPECT_EQ(unescaped(R"(\u00)"), R"(\u00)");
  EXPECT_EQ(unescaped("a\\"), "a\\");
  EXPECT_EQ(unescaped(R"(\q)"), R"(\q)");
}

TEST(UnescapedTextTest, KnowsWhereWhatItSaysStands) {
  const std::string_view outer = R"(a\u0040b\n\ud83d\ude00c\q)";
  const UnescapedText inner(outer);
  EXPECT_EQ(inner.text(),
            "a@b\n\xf0\x9f\x98\x80"
            "c\\q");
  EXPECT_TRUE(inner.has_escapes());
  const auto stands = [&](size_t begin, size_t end) {
    const auto [from, to] = inner.Outer(begin, end);
    return std::string(outer.substr(from, to - from));
  };
  EXPECT_EQ(stands(0, 1), "a");
  EXPECT_EQ(stands(1, 2), R"(\u0040)");
  EXPECT_EQ(stands(0, 3), R"(a\u0040b)");
  EXPECT_EQ(stands(2, 4), R"(b\n)");
  // Part of what an escape says is all of it.
  EXPECT_EQ(stands(5, 6), R"(\ud83d\ude00)");
  EXPECT_EQ(stands(8, 11), R"(c\q)");
  EXPECT_EQ(stands(0, inner.text().size()), outer);
}

TEST(UnescapedTextTest, WhetherThereIsAnEscapeIsSeenAtOnce) {
  for (const char* const text :
       {R"(a\n)", R"(\\q)", "%%41", "a&&#43;", R"(\q%2)" "%20"}) {
    EXPECT_TRUE(UnescapedText::HasEscapes(text)) << text;
  }
  for (const char* const text :
       {"", "a", R"(\q)", "\\", "100%, %zz %4", "a & b&#x;", "\xc2\xad"}) {
    EXPECT_FALSE(UnescapedText::HasEscapes(text)) << text;
  }
}

TEST(UnescapedTextTest, WhatUrlsEscapeAndWhatNobodySeesIsReadToo) {
  const std::string_view outer =
      "\xe2\x80\x8b"
      "a%3Ab\xc2\xad"
      "c%zz%4\xe2\x80\x9c";
  const UnescapedText inner(outer);
  EXPECT_EQ(inner.text(), "a:bc%zz%4\xe2\x80\x9c");
  const auto stands = [&](size_t begin, size_t end) {
    const auto [from, to] = inner.Outer(begin, end);
    return std::string(outer.substr(from, to - from));
  };
  EXPECT_EQ(stands(0, 1), "a");
  EXPECT_EQ(stands(1, 2), "%3A");
  EXPECT_EQ(stands(2, 3), "b");
  EXPECT_EQ(stands(2, 4),
            "b\xc2\xad"
            "c");
  EXPECT_EQ(stands(3, 5), "c%");
  EXPECT_FALSE(UnescapedText("100% of caf\xc3\xa9").has_escapes());
  EXPECT_TRUE(UnescapedText::MayHaveEscapes("100%"));
  EXPECT_FALSE(UnescapedText::MayHaveEscapes("gpt-5-mini"));
}

TEST(UnescapedTextTest, WhatNobodySeesIsLeftOut) {
  for (const std::string_view unseen : {"\xe2\x80\x8b",
                                        "\xc2\xad",
                                        "\xe2\x80\xae",
                                        "\xe2\x81\xa6",
                                        "\xcd\x8f",
                                        "\xd8\x9c",
                                        "\xe1\x85\xa0",
                                        "\xe1\xa0\x8e",
                                        "\xe3\x85\xa4",
                                        "\xef\xb8\x8f",
                                        "\xef\xbe\xa0",
                                        "\xcc\xb6",
                                        "\xf3\xa0\x81\x81",
                                        "\xf3\xa0\x84\x80",
                                        "\xf0\x9d\x85\xb3",
                                        "\xc2\x80",
                                        "\x01",
                                        "\x1b",
                                        "\x7f",
                                        "%E2%80%8B"}) {
    const std::string outer = "a" + std::string(unseen) + "b";
    const UnescapedText once(outer);
    EXPECT_EQ(UnescapedText(once.text()).text(), "ab") << outer;
    EXPECT_EQ(once.Outer(0, once.text().size()),
              std::make_pair(size_t{0}, outer.size()));
  }
  for (const std::string_view seen :
       {"\n", "\t", "\xc3\xa9", "\xe2\x82\xac", "\xe3\x81\x82", "\xef\xbf\xbd",
        "\xf0\x9f\x98\x80", "\xcd\xb0", "\xff"}) {
    EXPECT_FALSE(UnescapedText(seen).has_escapes()) << seen;
  }
}

TEST(UnescapedTextTest, OtherFormsOfALetterAreThatLetter) {
  const auto says = [](std::string_view outer) {
    return UnescapedText(outer).text();
  };
  EXPECT_EQ(says("\xef\xbc\xa1\xef\xbd\x9a\xef\xbc\x90\xef\xbc\x8d"), "Az0-");
  // Mathematical letters and digits, circled ones, dashes.
  EXPECT_EQ(says("\xf0\x9d\x90\x80\xf0\x9d\x90\xb3\xf0\x9d\x9a\xa3"), "Azz");
  EXPECT_EQ(says("\xf0\x9d\x9f\x8e\xf0\x9d\x9f\xbf"), "09");
  EXPECT_EQ(says("\xe2\x92\xb6\xe2\x93\xa9"), "Az");
  EXPECT_EQ(says("\xe2\x80\x91\xe2\x88\x92"), "--");
}

TEST(UnescapedTextTest, WhatHasNoEscapesIsWhatItSays) {
  const UnescapedText inner(R"(C:\dir)");
  EXPECT_EQ(inner.text(), R"(C:\dir)");
  EXPECT_FALSE(inner.has_escapes());
  EXPECT_EQ(inner.Outer(2, 4), std::make_pair(size_t{2}, size_t{4}));
}

}  // namespace
}  // namespace gateway
