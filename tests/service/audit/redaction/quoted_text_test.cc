#include "service/audit/redaction/quoted_text.h"

#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace gateway {
namespace {

std::string CutOfJson(std::string_view message, std::string_view body) {
  QuotedText quoted(message);
  quoted.CompareJson(body);
  return quoted.Cut({}, "[quoted]");
}

TEST(QuotedTextTest, WhatARequestSaysIsCutOut) {
  EXPECT_EQ(CutOfJson("400: Invalid value: 'what nobody else may see', sorry",
                      R"({"model":"m","input":"what nobody else may see"})"),
            "400: Invalid value: '[quoted]', sorry");
  // A part of it, in the middle of another word.
  EXPECT_EQ(CutOfJson("no:nobody else may see,no",
                      R"({"input":"what nobody else may see, ever"})"),
            "no:[quoted]no");
}

TEST(QuotedTextTest, WhatHasTheSameHashTwiceIsCutTwice) {
  EXPECT_EQ(CutOfJson("0123456789abcdef is no 0123456789abcdef.",
                      R"(["0123456789abcdef"])"),
            "[quoted].");
  EXPECT_EQ(CutOfJson("0123456789abcdef is nothing like 0123456789abcdef.",
                      R"(["0123456789abcdef"])"),
            "[quoted] is nothing like [quoted].");
}

TEST(QuotedTextTest, EscapesAreSeenThrough) {
  constexpr std::string_view kBody =
      R"({"input":"Gr\u00fc\u00dfe, \"sie\" haben\nes \ud83d\ude00 geh\u00f6rt"})";
  EXPECT_EQ(CutOfJson("bad: Grüße, \"sie\" haben es 😀 gehört", kBody),
            "bad: [quoted]");
  // As it was written.
  EXPECT_EQ(CutOfJson(R"(bad: \"sie\" haben\nes \ud83d\ude00 geh)", kBody),
            "bad: [quoted]");
}

TEST(QuotedTextTest, NamesOfMembersAndKnownNamesStay) {
  constexpr std::string_view kMessage =
      "Unsupported parameter: 'max_completion_tokens' of "
      "'acme-large-2026-01-02'.";
  constexpr std::string_view kBody =
      R"({"model":"acme-large-2026-01-02","max_completion_tokens" : 7})";
  QuotedText quoted(kMessage);
  quoted.CompareJson(kBody);
  EXPECT_EQ(quoted.Cut({{"acme-large-2026-01-02"}}, "[quoted]"), kMessage);
  EXPECT_EQ(quoted.Cut({}, "[quoted]"),
            "Unsupported parameter: 'max_completion_tokens' of '[quoted]'.");
}

TEST(QuotedTextTest, ShortStringsAreCutWholeIfTheyAreNoNames) {
  EXPECT_EQ(CutOfJson("'my pin is 12' and auto", R"(["my pin is 12","auto"])"),
            "'[quoted]' and auto");
}

TEST(QuotedTextTest, OfATextThatIsNoJsonAllIsCompared) {
  QuotedText quoted("bad: what nobody else may see");
  quoted.Compare(std::string("\x12\x18what nobody else may see\x1a", 27));
  EXPECT_EQ(quoted.Cut({}, "[quoted]"), "bad: [quoted]");
}

TEST(QuotedTextTest, WhatIsNoQuoteStays) {
  constexpr std::string_view kMessage = "Rate limit reached. Try again in 7s.";
  EXPECT_EQ(CutOfJson(kMessage, R"({"input":"Try again! Rate this, reached"})"),
            kMessage);
  EXPECT_EQ(CutOfJson("", R"({"input":"x y z a"})"), "");
  EXPECT_EQ(CutOfJson("short", "\"short"), "short");
}

TEST(QuotedTextTest, WhereWordsAreLookedForShortQuotesAreCutToo) {
  constexpr std::string_view kMessage =
      "Unknown parameter 'pet_name': rex42 and \"Bello\" are not allowed";
  QuotedText quoted(kMessage);
  quoted.LookForWords(0, kMessage.size());
  quoted.CompareJson(
      R"({"temperature":1,"tools":{"pet_name":"B\u0065llo","b":["REX42"]}})");
  EXPECT_EQ(quoted.Cut({}, "[quoted]"),
            "Unknown parameter 'pet_name': [quoted]\" are not allowed");
  QuotedText of_name("giraffe: given twice");
  of_name.LookForWords(0, 0);
  of_name.CompareJson(R"({"giraffe" :1,"giraffe":2})");
  EXPECT_EQ(of_name.Cut({}, "[quoted]"), "[quoted]: given twice");
}

TEST(QuotedTextTest, AnyTextIsTaken) {
  // Strings that are not closed, lone escapes, and no string at all.
  for (const std::string_view body :
       {"\"", "\"\\", "\"\\u", "\"\\ud83d\\", "{\"a\":\"\\ud83d\\u00", "{}",
        "\\\"what nobody else may see"}) {
    CutOfJson("bad: what nobody else may see", body);
  }
  EXPECT_EQ(CutOfJson("bad: what nobody else may see",
                      "{\"a\":\"what nobody else may see"),
            "bad: [quoted]");
}

TEST(QuotedTextTest, AQuoteInTheMidstOfALargeBodyIsFound) {
  const std::string filling(1 << 20, 'x');
  EXPECT_EQ(
      CutOfJson("bad: what nobody else may see",
                absl::StrCat("{\"a\":\"", filling, " what nobody else may see ",
                             filling, "\"}")),
      "bad: [quoted]");
}

}  // namespace
}  // namespace gateway
