#include "base/text/json_token.h"

#include <string>
#include <string_view>

#include "gtest/gtest.h"

namespace gateway {
namespace {

using TokenSkip = const char* (*)(const char* at, const char* end);

// How many bytes `skip` takes off the front of `text`; -1 if it refuses.
int BytesSkipped(TokenSkip skip, std::string_view text) {
  const char* const end = text.data() + text.size();
  const char* const behind = skip(text.data(), end);
  return behind == nullptr ? -1 : static_cast<int>(behind - text.data());
}

// The same for a string, with its opening quote.
int SkippedString(std::string_view text, bool* has_escapes) {
  const char* const end = text.data() + text.size();
  const char* const behind = SkipJsonString(text.data() + 1, end, has_escapes);
  return behind == nullptr ? -1 : static_cast<int>(behind - text.data());
}

std::string Unescaped(std::string_view inside) {
  std::string out(inside.size(), '?');
  const char* const end = UnescapeJson(inside, out.data());
  if (end == nullptr) return "refused";
  out.resize(end - out.data());
  return out;
}

TEST(JsonTokenTest, PythonTakesHalvesOfPairsForCharacters) {
  const auto unescaped = [](std::string_view inside) {
    std::string out(inside.size(), '?');
    const char* const end = UnescapeJsonAsPython(inside, out.data());
    if (end == nullptr) return std::string("refused");
    out.resize(end - out.data());
    return out;
  };
  EXPECT_EQ(unescaped(R"(a\ud800b)"), "a\xed\xa0\x80" "b");
  EXPECT_EQ(unescaped(R"(\uDFFF)"), "\xed\xbf\xbf");
  EXPECT_EQ(unescaped(R"(\ud83d\ud83d\ude00\n)"), "\xed\xa0\xbd\U0001F600\n");
  EXPECT_EQ(unescaped(R"(\ud800\u0041)"), "\xed\xa0\x80" "A");
  EXPECT_EQ(unescaped(R"(\ud80)"), "refused");
  EXPECT_EQ(unescaped(R"(\ud800\u12)"), "refused");
}

TEST(JsonTokenTest, FindsSpecialBytesWhereverTheyStand) {
  for (const char special : {'"', '\\', '\x1f', '\0'}) {
    for (size_t size = 0; size < 40; ++size) {
      // Bytes beyond ASCII are plain ones.
      std::string text(size, size % 2 == 0 ? 'x' : '\x80');
      const char* begin = text.data();
      EXPECT_EQ(FindJsonSpecial(begin, begin + size), begin + size);
      for (size_t at = 0; at < size; ++at) {
        std::string marked = text;
        marked[at] = special;
        begin = marked.data();
        EXPECT_EQ(FindJsonSpecial(begin, begin + size), begin + at);
      }
    }
  }
}

TEST(JsonTokenTest, AStringOfAnyLengthEndsAtItsQuote) {
  for (size_t size = 0; size < 70; ++size) {
    for (const size_t behind : {0, 1, 15, 16, 40}) {
      const std::string text =
          "\"" + std::string(size, 'k') + "\"" + std::string(behind, ':');
      bool has_escapes = true;
      EXPECT_EQ(SkippedString(text, &has_escapes), static_cast<int>(size) + 2);
      EXPECT_FALSE(has_escapes);
      EXPECT_EQ(SkippedString(text.substr(0, size + 1), &has_escapes), -1);
    }
  }
}

TEST(JsonTokenTest, AStringEndsAtItsQuote) {
  bool has_escapes = true;
  EXPECT_EQ(SkippedString(R"("abc", "d")", &has_escapes), 5);
  EXPECT_FALSE(has_escapes);
  EXPECT_EQ(SkippedString(R"("a\"b\\" )", &has_escapes), 8);
  EXPECT_TRUE(has_escapes);
  for (const std::string_view text : {"\"", "\"abc", "\"abc\\", "\"abc\\\""}) {
    EXPECT_EQ(SkippedString(text, &has_escapes), -1) << text;
  }
  EXPECT_EQ(SkippedString("\"a\nb\"", &has_escapes), -1);
  EXPECT_EQ(SkippedString("\"a\\\nb\"", &has_escapes), -1);
}

TEST(JsonTokenTest, ANumberHasOneForm) {
  for (const std::string_view text :
       {"0", "-0", "10", "1.25", "1e3", "1E+3", "-1.5e-10"}) {
    EXPECT_EQ(BytesSkipped(SkipJsonNumber, text), static_cast<int>(text.size()))
        << text;
  }
  for (const std::string_view text : {"", "-", "+1", ".5", "1.", "1e", "1e+"}) {
    EXPECT_EQ(BytesSkipped(SkipJsonNumber, text), -1) << text;
  }
  // What follows is the caller's to look at.
  EXPECT_EQ(BytesSkipped(SkipJsonNumber, "01"), 1);
}

TEST(JsonTokenTest, AScalarEndsWhereTheNextTokenMayBegin) {
  EXPECT_EQ(BytesSkipped(SkipJsonScalar, "true,"), 4);
  EXPECT_EQ(BytesSkipped(SkipJsonScalar, "1.5}"), 3);
  EXPECT_EQ(BytesSkipped(SkipJsonScalar, "null"), 4);
  EXPECT_EQ(BytesSkipped(SkipJsonScalar, ","), -1);
}

TEST(JsonTokenTest, SkipsWholeValues) {
  for (const std::string_view text :
       {R"("a\"]")", "12", "[]", R"({"a":[{"b":"}]"},[1,2]]})"}) {
    EXPECT_EQ(BytesSkipped(SkipJsonValue, std::string(text) + " ]"),
              static_cast<int>(text.size()))
        << text;
  }
  for (const std::string_view text : {"", "[", "[[]", R"({"a":"})", "]"}) {
    EXPECT_EQ(BytesSkipped(SkipJsonValue, text), -1) << text;
  }
}

TEST(JsonTokenTest, UnescapesAndRefusesWhatIsNoCharacter) {
  EXPECT_EQ(Unescaped("plain"), "plain");
  EXPECT_EQ(Unescaped(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Unescaped(R"(A\u00e9\u20aC\uD83D\ude00z)"),
            "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
  EXPECT_EQ(Unescaped(R"(\u0000)"), std::string(1, '\0'));
  for (const std::string_view inside :
       {R"(\x)", R"(\)", R"(\u12)", R"(\u12g4)", R"(\ud800)", R"(\udc00)",
        R"(\ud800\n)", R"(\ud800\ud800)", R"(\ud800\u0041)"}) {
    EXPECT_EQ(Unescaped(inside), "refused") << inside;
  }
}

TEST(JsonTokenTest, FindsALoneSurrogateInAText) {
  for (const std::string_view json :
       {R"({"a":"\ud800"})", R"(["\udc00"])", R"(["\\","\ud83d\u0041"])",
        R"({"\ud800":1})", R"(["\ud83d\ude00\ude00"])"}) {
    EXPECT_TRUE(HasLoneSurrogate(json)) << json;
  }
  for (const std::string_view json :
       {R"({"a":"b"})", R"(["\ud83d\ude00"])", R"(["\\ud800"])",
        R"(["\u00e9\"\n"])", R"("\)"}) {
    EXPECT_FALSE(HasLoneSurrogate(json)) << json;
  }
}

}  // namespace
}  // namespace gateway
