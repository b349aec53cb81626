#include "base/text/percent.h"

#include <optional>
#include <string>

#include "gtest/gtest.h"

namespace gateway {
namespace {

TEST(PercentTest, NamesOfModelsStayAsTheyAre) {
  EXPECT_EQ(EncodePathSegment("gemini-2.5-pro_~1"), "gemini-2.5-pro_~1");
}

TEST(PercentTest, NothingLeavesItsSegment) {
  EXPECT_EQ(EncodePathSegment("a/../b?c#d e%\r\n"),
            "a%2F..%2Fb%3Fc%23d%20e%25%0D%0A");
  EXPECT_EQ(EncodePathSegment("\xc3\xa9"), "%C3%A9");
}

TEST(PercentTest, ASegmentDoesNotLeadUpwards) {
  EXPECT_EQ(EncodePathSegment("."), "%2E");
  EXPECT_EQ(EncodePathSegment(".."), "%2E%2E");
  EXPECT_EQ(EncodePathSegment("..."), "...");
  EXPECT_EQ(EncodePathSegment(".hidden"), ".hidden");
}

TEST(PercentTest, WhatStandsForItselfIsAskedOfEachByte) {
  const auto is_x = [](char c) { return c == 'x'; };
  EXPECT_EQ(PercentEncode("x%y", is_x), "x%25%79");
  EXPECT_EQ(PercentEncode("", is_x), "");
}

TEST(PercentTest, TextWithoutPercentSignsIsDecodedAsItIs) {
  EXPECT_EQ(PercentDecode(""), "");
  EXPECT_EQ(PercentDecode("gpt-4.1_mini~x:y/z"), "gpt-4.1_mini~x:y/z");
  // A plus is a space only in forms.
  EXPECT_EQ(PercentDecode("a+b"), "a+b");
}

TEST(PercentTest, EscapesBecomeTheirBytes) {
  EXPECT_EQ(PercentDecode("org%2Fmodel"), "org/model");
  EXPECT_EQ(PercentDecode("%41%62%7a"), "Abz");
  EXPECT_EQ(PercentDecode("%c3%A9"), "\xC3\xA9");
  EXPECT_EQ(PercentDecode("a%00b"), std::string("a\0b", 3));
  EXPECT_EQ(PercentDecode("%ff"), "\xFF");
}

TEST(PercentTest, WhatWasEscapedIsNotDecodedAgain) {
  EXPECT_EQ(PercentDecode("%2541"), "%41");
  EXPECT_EQ(PercentDecode("%25"), "%");
}

TEST(PercentTest, APercentSignNeedsTwoDigits) {
  for (const char* wrong :
       {"%", "a%", "%4", "a%4", "%g0", "%0g", "% 1", "%-1", "%4%31"}) {
    EXPECT_EQ(PercentDecode(wrong), std::nullopt) << wrong;
  }
}

}  // namespace
}  // namespace gateway
