#include "service/audit/redaction/quoted_words.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

// The message with a `_` for each byte of it that is found in the text.
std::string Blotted(std::string_view message, std::string_view text,
                    size_t begin, size_t end) {
  std::string blotted(message);
  QuotedWords words(message, begin, end);
  words.Compare(text, [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) blotted[i] = '_';
  });
  return blotted;
}

std::string Blotted(std::string_view message, std::string_view text) {
  return Blotted(message, text, 0, message.size());
}

TEST(QuotedWordsTest, AWordOfTheTextIsFound) {
  EXPECT_EQ(Blotted("Your prompt contains the password hunter2!",
                    "my password is hunter2"),
            "Your prompt contains the ________ _______!");
  // Within another one, too.
  EXPECT_EQ(Blotted("no 'unte' here", "hunter2"), "no '____' here");
}

TEST(QuotedWordsTest, WordsOfErrorsAreNot) {
  constexpr std::string_view kMessage =
      "This model's maximum context length is 8192 tokens; maxOutputTokens of "
      "your request exceeds it";
  EXPECT_EQ(Blotted(kMessage,
                    "this model is a maximum, and the context length of a "
                    "request exceeds what tokens maxOutputTokens allows"),
            kMessage);
}

TEST(QuotedWordsTest, ShortWordsAndPartsOfNumbersAreNot) {
  constexpr std::string_view kMessage = "see 404, abc, 8192 and x9";
  EXPECT_EQ(Blotted(kMessage, "404 abc 81920 18192 x9"), kMessage);
  EXPECT_EQ(Blotted(kMessage, "no 8192."), "see 404, abc, ____ and x9");
}

TEST(QuotedWordsTest, CapitalsAreTheSame) {
  EXPECT_EQ(Blotted("no HUNTER", "a Hunter"), "no ______");
  EXPECT_EQ(Blotted("no ÜBÄR", "über bär übär"), "no ______");
  EXPECT_EQ(Blotted("no ПАРОЛЬ", "пароль"), "no ____________");
  EXPECT_EQ(Blotted("no пароль", "ПАРОЛЬ"), "no ____________");
  EXPECT_EQ(Blotted("no ΩΜΕΓΑ", "ωμεγα"), "no __________");
}

TEST(QuotedWordsTest, EscapesAreSeenThrough) {
  EXPECT_EQ(Blotted("no J\\u00fcrgen here", "Jürgen"), "no ___________ here");
  EXPECT_EQ(Blotted("no J%C3%BCrgen here", "Jürgen"), "no ___________ here");
  EXPECT_EQ(Blotted("no hun\\u0074er here", "hunter"), "no ___________ here");
}

TEST(QuotedWordsTest, EscapesOfEscapesAreSeenThrough) {
  std::string message = "the word\nhunter7 is it";
  for (int layer = 1; layer <= 3; ++layer) {
    std::string escaped;
    for (const char byte : message) {
      if (byte == '\n') {
        escaped += "\\n";
      } else {
        if (byte == '\\') escaped += '\\';
        escaped += byte;
      }
    }
    message = escaped;
    const std::string blotted = Blotted(message, "word\nhunter7");
    EXPECT_EQ(blotted.find("hunter7"), std::string::npos) << blotted;
    EXPECT_TRUE(blotted.ends_with("_______ is it")) << blotted;
  }
  EXPECT_EQ(Blotted("no J\\\\u00fcrgen here", "Jürgen"),
            "no ____________ here");
}

TEST(QuotedWordsTest, LettersApartAreAWord) {
  EXPECT_EQ(Blotted("no h u n t e r 2 here", "hunter2"),
            "no _____________ here");
  EXPECT_EQ(Blotted("no h-u-n-t here", "hunter2"), "no _______ here");
  EXPECT_EQ(Blotted("no h u n here", "hun"), "no h u n here");
  // Also beside others.
  EXPECT_EQ(Blotted("it is a h u n t e r 2 here", "hunter2"),
            "it is a _____________ here");
  EXPECT_EQ(Blotted("I h u n t e r 2 a", "hunter2"), "I _____________ a");
  EXPECT_EQ(Blotted("I b u n t e r 2", "hunter2"), "I b ___________");
  EXPECT_EQ(Blotted("no 1 2 3 4 5 6 7", "1234567 12345678"),
            "no _____________");
}

TEST(QuotedWordsTest, OfAScriptWithoutBlanksEachThreeLettersAre) {
  // `of my password there is`, of a text that says `my password`.
  EXPECT_EQ(Blotted("错误：我的密码是", "请记住我的密码"),
            absl::StrCat("错误：", std::string(12, '_'), "是"));
  EXPECT_EQ(Blotted("无效：“张三”", "我叫张三"),
            absl::StrCat("无效：“", std::string(6, '_'), "”"));
  // Two that stand among others say little.
  EXPECT_EQ(Blotted("无效请求错误", "这个请求很好"), "无效请求错误");
}

TEST(QuotedWordsTest, WhereNobodyElseSpeaksOnlyNamesAreLookedFor) {
  constexpr std::string_view kText =
      "hunter2 giraffe zebra walrus ostrich badger";
  EXPECT_EQ(Blotted("hunter2: zebra, 'giraffe' by tools[0].walrus of ostrich",
                    kText, 0, 0),
            "_______: zebra, '_______' by tools[0].______ of ostrich");
  // Where it repeats somebody's words, it has put only a place before them.
  EXPECT_EQ(Blotted("zebra: 400: badger", kText, 12, 18),
            "zebra: 400: ______");
  EXPECT_EQ(Blotted("the badger's zebra's own", kText, 0, 0),
            "the badger's zebra's own");
}

TEST(QuotedWordsTest, AnyMessageIsTaken) {
  for (const std::string_view message :
       {"", "'", "\"a", "\xff\xfe\xf0", "a\xe2", "\xe6\x88", "\\u", "a:", ":",
        "\xc3"}) {
    EXPECT_EQ(Blotted(message, "hunter2 \xe6\x88"), message);
  }
}

}  // namespace
}  // namespace gateway
